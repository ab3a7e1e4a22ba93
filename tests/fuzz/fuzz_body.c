/* A body is refused with a reason that can be printed, or says what it may and no more. */
#include "control/body.h"

#include <errno.h>
#include <string.h>

static void check_text(const char *text)
{
	assert(strlen(text) < BODY_TEXT_MAX);
	for (; *text; text++)
		assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *level = NULL, *reason = NULL;
	struct body_number weight = {0};
	const struct body_field fields[] = {{.name = "level", .text = &level, .needed = true},
					    {.name = "reason", .text = &reason},
					    {.name = "weight", .number = &weight, .most = 256},
					    {0}};
	char why[BODY_WHY_MAX] = "";
	json_t *body = NULL;

	if (body_read((const char *)data, size, fields, &body, why) < 0) {
		assert(*why && strlen(why) < BODY_WHY_MAX && !body);
		return 0;
	}
	assert(level && json_object_size(body) == 1u + !!reason + weight.given);
	assert(weight.value <= 256 && (weight.given || !weight.value) &&
	       (!weight.null || !weight.value));
	check_text(level);
	if (reason)
		check_text(reason);
	json_decref(body);
	return 0;
}
