/* Who may log in: the admin token, users, codes that hold once. Only hashes are kept. */
#include "access.h"
#include "clock.h"
#include "crypto.h"
#include "edit.h"
#include "fileio.h"
#include "jget.h"
#include "keys.h"
#include "must.h"
#include "names.h"
#include "serve_private.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REFUSED_NOTE_MS 60000 /* failures within that are one line of the audit */
#define TOKEN_BYTES_MIN 20

/* ---- logging in ---- */

static void
note_login(struct serve *serve, const json_t *body, const struct access_user *user)
{
	struct history_who who = serve_who(body);
	uint64_t now = loop_now_ms(serve->loop);
	if (user != NULL) {
		(void)snprintf(who.who, sizeof(who.who), "%s", user->name);
		(void)snprintf(who.role, sizeof(who.role), "%s", user->role);
		audit_add(&serve->audit, &who, "login", 0, NULL);
		return;
	}
	serve->refused_logins++;
	if (serve->refused_noted_ms != 0 && now - serve->refused_noted_ms < REFUSED_NOTE_MS)
		return;
	(void)snprintf(who.who, sizeof(who.who), "?");
	who.role[0] = '\0';
	(void)snprintf(
	    who.what, sizeof(who.what), "%u since the last such line", serve->refused_logins);
	audit_add(&serve->audit, &who, "login_refused", 0, NULL);
	serve->refused_logins = 0;
	serve->refused_noted_ms = now;
}

struct answer
serve_check_token(struct serve *serve, const json_t *body)
{
	struct view hex = {0}, purpose = {0};
	bool login = json_is_true(json_object_get(body, "login"));
	uint8_t asked[CRYPTO_SHA256_BYTES];
	struct access_user user;
	struct err err;
	if (!jget_str(body, "", "sha256", &hex, &err) || !jget_str(body, "", "for", &purpose, &err))
		return serve_refuse(&err);
	bool good = crypto_unhex(hex, asked, sizeof(asked)) &&
		    (access_find(serve->reload.config, asked, &user) ||
			(view_eq_str(purpose, "metrics") &&
			    access_find_metrics(serve->reload.config, asked, &user)) ||
			(login && access_use_code(&serve->codes, serve->reload.config, asked,
				      loop_now_ms(serve->loop), &user)));
	if (login || !good)
		note_login(serve, body, good ? &user : NULL);
	if (good) {
		json_t *told = json_pack(
		    "{s:s, s:s, s:s}", "user", user.name, "role", user.role, "stamp", user.stamp);
		return (struct answer){MSG_OK, told};
	}
	err_set(&err, ERR_AUTH, "", "not the token of anybody");
	return serve_refuse(&err);
}

struct answer
serve_mint_login(struct serve *serve, const json_t *body)
{
	char code[ACCESS_CODE_BYTES];
	struct history_who who = serve_who(body);
	access_mint_code(&serve->codes, loop_now_ms(serve->loop), code);
	audit_add(&serve->audit, &who, "mint_login", 0, NULL);
	json_t *answer = json_pack("{s:s, s:i}", "code", code, "seconds", ACCESS_CODE_MS / 1000);
	crypto_wipe(code, sizeof(code));
	return (struct answer){MSG_OK, answer};
}

/* ---- another admin token ---- */

/* The file of the old one, if the owner has left it there. It is written first: a crash between
 * the two means a token that does not hold yet, and the old one still does. */
static bool
write_token_file(const struct serve *serve, struct view token, struct err *err)
{
	char path[PATH_MAX], text[256];
	int len = snprintf(path, sizeof(path), "%s/%s", serve->options.state_dir, KEYS_ADMIN_FILE);
	if (len < 0 || (size_t)len >= sizeof(path) || access(path, F_OK) != 0)
		return true;
	len = snprintf(text, sizeof(text), "%.*s\n", VIEW_ARGS(token));
	bool ok = fileio_write(path, view_make(text, (size_t)len), 0600, err);
	crypto_wipe(text, sizeof(text));
	return ok;
}

struct answer
serve_set_token(struct serve *serve, const json_t *body)
{
	struct view token = {0}, purpose = {0};
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	struct err err;
	if (!jget_str(body, "", "token", &token, &err) ||
	    !jget_str(body, "", "for", &purpose, &err))
		return serve_refuse(&err);
	if (token.len < TOKEN_BYTES_MIN || token.len > 200) {
		err_set(&err, ERR_CONFIG, "token", "must have 20 to 200 characters");
		return serve_refuse(&err);
	}
	crypto_sha256(token, sha256);
	crypto_hex(sha256, sizeof(sha256), hex);
	if (view_eq_str(purpose, "metrics"))
		return serve_set_token_hash(serve, body, "metrics_token_sha256", hex);
	if (!write_token_file(serve, token, &err))
		return serve_refuse(&err);
	return serve_set_token_hash(serve, body, "token_sha256", hex);
}
