#include "control/commandline.h"

#include "control/client.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

const struct option commandline_common[] = {
	{"config", required_argument, NULL, 'c'},
	{"socket", required_argument, NULL, 's'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};
#define SYNOPSIS_WIDTH 24
#define COMMON_SHORT   "c:s:Vh"
#define OWN_FIRST      256 /* what getopt says of the first option in a command's table */

/* ---- What is wrong --------------------------------------------------------------------------- */

static void print_help(const struct command *command, FILE *out)
{
	bool fits = strlen(command->synopsis) <= SYNOPSIS_WIDTH;

	fprintf(out, "  %-*s%s%*s%s\n", SYNOPSIS_WIDTH, command->synopsis, fits ? "" : "\n",
		fits ? 1 : SYNOPSIS_WIDTH + 3, "", command->help);
}

static void print_usage(const struct command *commands, FILE *out)
{
	const struct command *command;

	fputs("usage: uringproxy [-c FILE] [-t [--resolve]]\n", out);
	for (command = commands; command->name; command++)
		if (command->synopsis)
			fprintf(out, "       uringproxy [-c FILE] %s\n", command->synopsis);
	fputs("\n"
	      "  -c FILE   the configuration (default: " COMMANDLINE_PATH ")\n"
	      "  -s SOCKET the control socket of the daemon that runs (default:\n"
	      "            $URINGPROXY_CONTROL, what -c FILE says, or\n"
	      "            " CLIENT_SOCKET ")\n"
	      "  -t        test the configuration, start nothing\n"
	      "  --resolve with -t: look its host names up, too\n",
	      out);
	for (command = commands; command->name; command++)
		if (command->synopsis)
			print_help(command, out);
	fputs("  -V        print the version        -h   this text\n"
	      "\n"
	      "Runs in the foreground and logs to standard error.  See uringproxy(8).\n",
	      out);
}

int commandline_explain(const struct commandline *line)
{
	fprintf(stderr, "uringproxy: it is `uringproxy %s`\n", line->command->synopsis);
	return EX_USAGE;
}

/* ---- Options --------------------------------------------------------------------------------- */

/* One of the common ones, or one that nobody knows, which is EX_USAGE; getopt has said so. */
static int take_common(struct commandline *line, int option)
{
	switch (option) {
	case 'c':
		line->path = optarg;
		line->named = true;
		return EX_OK;
	case 's':
		line->socket = optarg;
		return EX_OK;
	case 'V':
		puts("uringproxy " VERSION);
		exit(EX_OK);
	case 'h':
		print_usage(line->commands, stdout);
		exit(EX_OK);
	default:
		print_usage(line->commands, stderr);
		return EX_USAGE;
	}
}

/* All that come, up to the first operand where the short ones begin with "+". */
static int take_options(struct commandline *line, const char *shorts,
			const struct commandline_option *own)
{
	struct option all[array_size(commandline_common) + COMMANDLINE_OPTIONS_MAX] = {0};
	int count = 0, c, r = EX_OK;

	for (; own[count].name; count++) {
		assert(count < COMMANDLINE_OPTIONS_MAX);
		all[count] = (struct option){
			.name = own[count].name,
			.has_arg = own[count].value ? required_argument : no_argument,
			.val = OWN_FIRST + count,
		};
	}
	memcpy(all + count, commandline_common, sizeof(commandline_common));
	while (r == EX_OK && (c = getopt_long(line->argc, line->argv, shorts, all, NULL)) != -1) {
		if (c == 't')
			line->test = true;
		else if (c < OWN_FIRST)
			r = take_common(line, c);
		else if (own[c - OWN_FIRST].value)
			*own[c - OWN_FIRST].value = optarg;
		if (c >= OWN_FIRST && own[c - OWN_FIRST].flag)
			*own[c - OWN_FIRST].flag = true;
	}
	return r;
}

/* ---- The line -------------------------------------------------------------------------------- */

static const struct command *find(const struct command *commands, const char *name)
{
	for (; commands->name; commands++)
		if (!strcmp(commands->name, name))
			return commands;
	return NULL;
}

int commandline_begin(struct commandline *line, const struct command *commands, int argc,
		      char *argv[])
{
	const struct commandline_option options[] = {
		{.name = "test", .flag = &line->test},
		{.name = "resolve", .flag = &line->resolve},
		{0},
	};
	int r;

	*line = (struct commandline){
		.commands = commands, .path = COMMANDLINE_PATH, .argc = argc, .argv = argv};
	r = take_options(line, "+t" COMMON_SHORT, options);
	if (r == EX_OK && line->resolve && !line->test) {
		fputs("uringproxy: --resolve goes with -t\n", stderr);
		r = EX_USAGE;
	}
	if (r != EX_OK || optind == argc)
		return r;
	line->command = find(commands, argv[optind]);
	if (!line->command || line->test) {
		fprintf(stderr, "uringproxy: unexpected argument '%s'\n", argv[optind]);
		print_usage(commands, stderr);
		return EX_USAGE;
	}
	line->argv = &argv[optind];
	line->argc = argc - optind;
	line->argv[0] = argv[0]; /* as messages begin */
	optind = 0;              /* another line, another beginning */
	return EX_OK;
}

int commandline_take(struct commandline *line, const struct commandline_option *options, int least,
		     int most)
{
	int r = take_options(line, COMMON_SHORT, options);

	if (r != EX_OK)
		return r;
	line->operands = &line->argv[optind];
	line->operand_count = line->argc - optind;
	if (line->operand_count > most)
		fprintf(stderr, "uringproxy: unexpected argument '%s'\n", line->operands[most]);
	if (line->operand_count < least || line->operand_count > most)
		return commandline_explain(line);
	return EX_OK;
}
