#include "control/ask.h"
#include "control/commands.h"

#include <stdio.h>
#include <sysexits.h>

int command_reopen_logs(struct commandline *line)
{
	const struct commandline_option options[] = {{.name = "json", .flag = &line->json}, {0}};
	const char *file;
	json_t *answer;
	int r = commandline_take(line, options, 0, 0);

	if (r == EX_OK)
		r = ask(line, "POST", "/v1/reopen-logs", NULL, &answer);
	if (r != EX_OK)
		return r;
	file = json_string_value(json_object_get(answer, "reopened"));
	if (line->json)
		ask_print_json(answer);
	else if (file)
		printf("%s is open anew\n", file);
	else
		puts("there is no log file to open anew");
	json_decref(answer);
	return CLIENT_DONE;
}
