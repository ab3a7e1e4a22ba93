#include "control/ask.h"
#include "control/commands.h"

#include <stdio.h>
#include <sysexits.h>

static void print_lines(const json_t *lines, const char *before)
{
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *line = json_array_get(lines, i);

		printf("%s%s\n", before,
		       json_is_string(line) ? json_string_value(line) : ask_text(line, "message"));
	}
}

int command_reload(struct commandline *line)
{
	const struct commandline_option options[] = {{.name = "json", .flag = &line->json}, {0}};
	json_t *answer;
	int r = commandline_take(line, options, 0, 0);

	if (r == EX_OK)
		r = ask(line, "POST", "/v1/reload", NULL, &answer);
	if (r != EX_OK)
		return r;
	if (line->json) {
		ask_print_json(answer);
	} else {
		print_lines(json_object_get(answer, "warnings"), "warning: ");
		print_lines(json_object_get(answer, "changes"), "");
		printf("edition %lld serves\n", ask_number(answer, "edition"));
	}
	json_decref(answer);
	return CLIENT_DONE;
}
