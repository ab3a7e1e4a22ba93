/*
 * Looking after servers is one thing in three files: what is believed of them (wards.c), what is
 * said of that (wards_tell.c), and what is done to connections (wards_end.c).  This is for them
 * alone.
 */
#ifndef CONTROL_WARDS_PARTS_H
#define CONTROL_WARDS_PARTS_H

#include "control/wards.h"
#include "pool/server.h"
#include "session/reason.h"

#define WARD_RESULT_MAX 1800

struct ward {
	struct list link;
	struct wards *wards;
	struct server *server;
	struct pool *pool; /* of the edition of the day ... */
	const struct config_endpoint *line;
	const struct way *way; /* where checks come from, too; NULL: anywhere */
	uint32_t tier;
	uint64_t round;             /* of wards_look(), that it was last met in */
	struct watcher watchers[2]; /* one is in use, the other is for the next */
	struct watcher *watcher;
	bool checked;                 /* nothing is against it that is not to be checked */
	bool took;                    /* new connections, but for what its check says */
	uint32_t heard;               /* of server.news, and nothing has looked into it since */
	uint64_t failures;            /* of checks */
	char result[WARD_RESULT_MAX]; /* of the last, in words; "": there was none */
	char health[HEALTH_WORDS_MAX];
	struct event *drain; /* on_down = drain: what is left is to be ended */
};

/* Its pool's roster is to be made again, soon. */
void ward_changed(struct ward *ward);

/* ---- wards_tell.c ---------------------------------------------------------------------------- */

void ward_tell_check(const struct ward *ward, const struct check_news *news);
/* "http GET /primary on :8008 answered 503, wanted 200-399" */
void ward_say_result(struct ward *ward, const struct check_news *news);
/* Its pool is counted. */
void ward_tell_down(const struct ward *ward, const struct check_news *news);
void ward_tell_up(const struct ward *ward, const struct check_news *news, uint64_t was_ms);
void ward_tell_out(const struct ward *ward, bool begins);
void ward_tell_back(const struct ward *ward, bool by_check);
/* "server pg1 (10.0.3.8:5432) of pool postgres"; returns text. */
#define WARD_NAME_MAX 1000
const char *ward_name(const struct ward *ward, char text[WARD_NAME_MAX]);

/* ---- wards_end.c ----------------------------------------------------------------------------- */

/* Connections that it serves end, a few of each worker's in a turn. */
void ward_end_connections(struct ward *ward, enum reason reason);
/* ... and those of servers that were taken for want of it. */
void ward_end_backups(struct ward *ward);

#endif
