/*
 * What is said to a server to learn whether it is well.
 *
 * Each word of `check =` is a kind of dialogue, and all are of one form: we say something once,
 * at once or when the server has greeted, and listen.  A dialogue knows no socket and no clock:
 * it is given all that has been heard so far, and says whether that decides it.
 *
 *     kind       we say                            we want to hear
 *     tcp        nothing                           nothing: to be connected is enough
 *     http       a request                         HTTP/1.x, a status and a body as expected
 *     send       check_send                        check_expect
 *     redis      PING or INFO, QUIT                +PONG, or what check_expect says
 *     mysql      after its greeting, a login       OK, or that it goes on
 *     postgres   a start-up message                a question for a password, or why not
 *
 * How an answer comes in pieces changes nothing.  Of what a server says, DIALOGUE_HEARD_MAX
 * bytes are looked at.
 */
#ifndef CONTROL_DIALOGUE_H
#define CONTROL_DIALOGUE_H

#include "base/address.h"
#include "config/config.h"
#include "config/expect.h"
#include "control/check_result.h"

#define DIALOGUE_HEARD_MAX ((size_t)16 * 1024)

/* As the configuration has it: NULL where nothing is written. */
struct dialogue_terms {
	enum config_check check; /* not off */
	const char *request, *host, *expect, *send, *user;
	enum config_send_proxy header; /* before all that, and the greeting: of a check */
};

struct dialogue {
	const struct dialogue_kind *kind;
	char *title;    /* "http GET /primary", as sentences begin */
	uint8_t *words; /* what is said, and expected */
	size_t word_count;
	uint8_t *expected;
	size_t expected_count;
	char *expected_text; /* as it is written */
	bool anywhere;
	struct expect_statuses statuses;
	enum config_send_proxy header; /* the server wants to know whom it talks to */
};

/* What came so far. */
struct heard {
	const uint8_t *bytes;
	size_t count;
	bool all;   /* there will be no more: the end, or as much as is looked at, or too late */
	bool spoke; /* what we have to say is said */
};

enum dialogue_turn {
	DIALOGUE_LISTEN, /* for more: not all has been heard */
	DIALOGUE_SPEAK,  /* say our words, and listen */
	DIALOGUE_OVER,   /* the result says what it came to */
};

struct dialogue_kind {
	const char *name;
	bool greets; /* the server speaks first */
	bool ends;   /* we ask the server to close, so it ends the connection before we do */
	/* Put together what is said and expected; the kind may become another by that.  0, -EINVAL
	 * and why, or -ENOMEM. */
	int (*open)(struct dialogue *dialogue, const struct dialogue_terms *terms,
		    const struct address *address, char *why);
	/* NULL: there is nothing to hear. */
	enum dialogue_turn (*hear)(const struct dialogue *dialogue, const struct heard *heard,
				   struct check_result *result);
};

/*
 * The dialogue of those terms with a server at that address.  0, -ENOMEM, or -EINVAL with one
 * sentence without full stop in why.
 */
int dialogue_open(struct dialogue *dialogue, const struct dialogue_terms *terms,
		  const struct address *address, char why[VALUE_WHY_MAX]) must_check;
void dialogue_close(struct dialogue *dialogue);

/* Whether the check is over when the server is connected to and our words are said. */
bool dialogue_is_silent(const struct dialogue *dialogue);

/* Something was heard, or the end. */
enum dialogue_turn dialogue_hear(const struct dialogue *dialogue, const struct heard *heard,
				 struct check_result *result) must_check;

#endif
