/* What kinds of dialogues are made of: each is a file of its own, and a row in dialogue.c. */
#ifndef CONTROL_DIALOGUE_PARTS_H
#define CONTROL_DIALOGUE_PARTS_H

#include "control/dialogue.h"

extern const struct dialogue_kind dialogue_http, dialogue_send, dialogue_redis, dialogue_mysql,
	dialogue_postgres;

/* What is said, in pieces.  -ENOMEM. */
int dialogue_say(struct dialogue *dialogue, const void *bytes, size_t size) must_check;
int dialogue_say_text(struct dialogue *dialogue, const char *text) must_check;
/* What is expected, from its text.  As the kinds' open. */
int dialogue_expect(struct dialogue *dialogue, const char *text, char *why) must_check;
int dialogue_name(struct dialogue *dialogue, const char *format, ...)
	__attribute__((format(printf, 2, 3))) must_check;

/* The server has closed before it was heard out. */
enum dialogue_turn dialogue_cut_short(const struct heard *heard, struct check_result *result);
/* It has answered what is not wanted: over, as soon as its line has been heard out. */
enum dialogue_turn dialogue_unwanted(const struct dialogue *dialogue, const struct heard *heard,
				     struct check_result *result);
/* Look for what is expected. */
enum dialogue_turn dialogue_compare(const struct dialogue *dialogue, const struct heard *heard,
				    struct check_result *result);

#endif
