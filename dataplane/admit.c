#include "admit.h"
#include "crypto.h"
#include "headers.h"
#include "inflate.h"

static bool
refuse(struct admit_refusal *refusal, int status, const char *reason, const char *message)
{
	*refusal = (struct admit_refusal){status, reason, message};
	return false;
}

/* Every key is compared, so that the time tells nothing of which one came near. */
static const struct client_key *
find_key(const struct table *table, struct view text)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	const struct client_key *found = NULL;
	crypto_sha256(text, digest);
	for (size_t i = 0; i < table->client_key_count; i++) {
		const struct client_key *key = &table->client_keys[i];
		if (crypto_equal(key->sha256, digest, sizeof(digest)))
			found = key;
	}
	return found;
}

static bool
check_key(const struct table *table, const struct http_header *headers, size_t count,
    const struct client_key **key, struct admit_refusal *refusal)
{
	struct view text;
	switch (headers_client_key(headers, count, &text)) {
	case HEADERS_KEY_NONE:
		return refuse(refusal, 401, "no_key",
		    "A client key is needed: send it as \"Authorization: Bearer <key>\" or "
		    "\"x-api-key: <key>\".");
	case HEADERS_KEY_CONFLICT:
		return refuse(refusal, 401, "two_keys",
		    "Two different client keys were sent; send one of them.");
	case HEADERS_KEY_ONE:
	default:
		break;
	}
	*key = find_key(table, text);
	return *key != NULL ||
	       refuse(refusal, 401, "unknown_key",
		   "This client key is not known here, or it is switched off. Keys of providers do "
		   "not work: use one of this gateway's own.");
}

static struct view
find(const struct http_header *headers, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (view_eq_nocase(headers[i].name, name))
			return headers[i].value;
	}
	return (struct view){0};
}

static bool
check_body(const struct table *table, const struct http_header *headers, size_t count,
    struct admit_refusal *refusal)
{
	uint64_t length = 0;
	struct view text = find(headers, count, "content-length");
	if (coding_parse(find(headers, count, "content-encoding")) == CODING_UNKNOWN) {
		return refuse(refusal, 415, "body_coding",
		    "The body's Content-Encoding is none of identity, gzip, deflate and zstd.");
	}
	if (text.len > 0 && (!view_to_u64(text, &length) || length > table->body_bytes_max)) {
		return refuse(refusal, 413, "body_length",
		    "The request body is larger than this gateway allows.");
	}
	return true;
}

bool
admit_check(const struct table *table, const struct http_header *headers, size_t count,
    const struct client_key **key, struct admit_refusal *refusal)
{
	return check_key(table, headers, count, key, refusal) &&
	       check_body(table, headers, count, refusal);
}

bool
admit_check_inner(const struct table *table, const struct http_header *headers, size_t count,
    const struct client_key **key, struct admit_refusal *refusal)
{
	static char id[] = "playground", name[] = "Playground";
	static const struct client_key own = {.id = id, .name = name};
	struct view as = find(headers, count, ADMIT_AS);
	*key = as.data == NULL ? &own : NULL;
	for (size_t i = 0; as.data != NULL && i < table->client_key_count; i++) {
		if (view_eq_str(as, table->client_keys[i].id))
			*key = &table->client_keys[i];
	}
	if (*key == NULL)
		return refuse(refusal, 401, "unknown_key", "There is no client key of this id.");
	return check_body(table, headers, count, refusal);
}
