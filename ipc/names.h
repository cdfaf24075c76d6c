/* names: endpoints, message types and limits, in one place. */
#ifndef PM_NAMES_H
#define PM_NAMES_H

#include "err.h"
#include <stddef.h>

/* Socket files in the run folder (mode 0700). A Unix path has at most 107 bytes. */
#define NAMES_TABLE "table.ipc"   /* PUB control -> SUB data */
#define NAMES_DATA "data.ipc"     /* REQ data -> REP control */
#define NAMES_EVENTS "events.ipc" /* PUB control -> SUB admin */
#define NAMES_ADMIN "admin.ipc"   /* REQ admin, pointsman(1) -> REP control */
#define NAMES_STATS "stats.ipc"   /* REQ data, admin, pointsman(1) -> REP control's statistics */
#define NAMES_WEB "web.sock"      /* HTTP: dataplane -> webadmin */
#define NAMES_INNER "%s.sock"     /* HTTP: webadmin -> the dataplane of this instance */
#define NAMES_LONGEST "dataplane.999.sock" /* there is to be room for */

#define NAMES_MESSAGE_BYTES_MAX (16u * 1024 * 1024)
#define NAMES_VERSION 1 /* of the envelope; a receiver refuses others with an error */
#define NAMES_HEARTBEAT_MS 1000
#define STATS_BATCH_MAX 256 /* records in one message */

/* Message types; bodies are described in ipc/README.md. */
#define MSG_TABLE "table"         /* PUB: the whole table */
#define MSG_HEARTBEAT "heartbeat" /* PUB: {epoch, version} */
#define MSG_CANCEL "cancel"       /* PUB: {ids, seq}: these requests shall end */
#define MSG_GET_TABLE "get_table" /* REQ data: {epoch, version} -> MSG_TABLE or MSG_SAME */
#define MSG_SAME "same"
#define MSG_REPORT "report"       /* REQ data: what a dataplane is doing -> MSG_OK */
#define MSG_GET_STATE "get_state" /* REQ admin: {} -> MSG_STATE */
#define MSG_STATE "state"
#define MSG_GET_METRICS "get_metrics" /* REQ admin: {} -> MSG_METRICS */
#define MSG_METRICS "metrics"
#define MSG_RELOAD "reload"                 /* REQ admin: {} -> MSG_OK or MSG_ERROR */
#define MSG_CHECK_TOKEN "check_token"       /* REQ admin: {sha256} -> MSG_OK or MSG_ERROR(auth) */
#define MSG_CLEAR_COOLDOWN "clear_cooldown" /* REQ admin: {group?, id?} -> MSG_OK */
#define MSG_PROBE_NOW "probe_now"           /* REQ admin: {id} -> MSG_OK or MSG_ERROR */
#define MSG_SET_ENABLED "set_enabled"       /* REQ admin: {id, enabled} -> MSG_OK or MSG_ERROR */
#define MSG_CANCEL_REQUEST "cancel_request" /* REQ admin: {id, by?} -> MSG_OK or MSG_ERROR */
#define MSG_GET_CANCEL "get_cancel"         /* REQ admin: {seq} -> MSG_OK */
#define MSG_EXPLAIN "explain"               /* REQ admin: {at?, path?, group?, model?, session?} */
#define MSG_EXPLANATION "explanation"
#define MSG_FORGET_LESSON                                                                          \
	"forget_lesson" /* REQ admin: {upstream?, model?, kind?, name?} -> MSG_OK */
/* Changes; `by` is {user, role, via, peer}, `request` a word that makes a repeated question one. */
#define MSG_EDIT                                                                                   \
	"edit" /* REQ admin: {op, section?, id?, ..., if_match?, request?, by?} -> MSG_OK */
#define MSG_GET_CONFIG "get_config" /* REQ admin: {section?} -> MSG_CONFIG, masked */
#define MSG_CONFIG "config"
#define MSG_CHECK_CONFIG "check_config" /* REQ admin: {value} -> MSG_OK */
#define MSG_GET_SETTINGS "get_settings" /* REQ admin: {} -> MSG_SETTINGS */
#define MSG_SETTINGS "settings"
#define MSG_GET_HISTORY "get_history"   /* REQ admin: {} -> MSG_OK */
#define MSG_GET_REVISION "get_revision" /* REQ admin: {revision} -> MSG_OK */
#define MSG_GET_DIFF "get_diff"         /* REQ admin: {from, to?} -> MSG_OK */
#define MSG_RESTORE "restore"           /* REQ admin: {revision, if_match?, ...} -> MSG_OK */
#define MSG_IMPORT "import"             /* REQ admin: {text, format?, apply?, ...} -> MSG_OK */
#define MSG_GET_AUDIT "get_audit"       /* REQ admin: {before?, limit?, who?, action?} -> MSG_OK */
#define MSG_SET_TOKEN "set_token"       /* REQ admin: {token, request?, by?} -> MSG_OK */
#define MSG_MINT_LOGIN "mint_login"     /* REQ admin: {} -> MSG_OK {code} */
#define MSG_TEST_UPSTREAM                                                                          \
	"test_upstream"             /* REQ admin: {id or group, entry; model?, ...} -> MSG_OK */
#define MSG_GET_TEST "get_test"     /* REQ admin: {seq} -> MSG_OK */
#define MSG_TEST_ALERT "test_alert" /* REQ admin: {} -> MSG_OK {id, ways} or MSG_ERROR */
/* On stats.ipc: */
#define MSG_RECORDS "records" /* REQ data: {journal, first, records} -> MSG_STORED */
#define MSG_STORED "stored"
#define MSG_GET_STATS "get_stats" /* REQ admin: {by?, from?, to?, ...} -> MSG_STATS */
#define MSG_STATS "stats"
#define MSG_GET_REQUESTS "get_requests" /* REQ admin: {id?, upstream?, ...} -> MSG_REQUESTS */
#define MSG_REQUESTS "requests"
#define MSG_GET_TOKEN_STATS "get_token_stats" /* REQ admin: {} -> MSG_TOKEN_STATS */
#define MSG_TOKEN_STATS "token_stats"
#define MSG_REPRICE "reprice"         /* REQ admin: {from_ms?, to_ms?} -> MSG_OK */
#define MSG_GET_REPRICE "get_reprice" /* REQ admin: {} -> MSG_REPRICED */
#define MSG_REPRICED "repriced"       /* {running, looked, changed, from_ms, to_ms} */
#define MSG_RESET_STATS "reset_stats" /* REQ admin: {} -> MSG_OK {epoch} */
#define MSG_GET_SPENT "get_spent"     /* REQ admin: {} -> MSG_OK: what budgets have left */
#define MSG_OK "ok"
#define MSG_ERROR "error" /* {kind, message, faults: [{path, message}]} */

/* The socket on which controlplane answers the admin side's question of this type. */
const char *names_socket_of(const char *type);

/* "<run_dir>/<name>" into `out`; false when it passes the 107 bytes. */
MUST_CHECK bool names_path(
    const char *run_dir, const char *name, char *out, size_t out_len, struct err *err);

#endif
