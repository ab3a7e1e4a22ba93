/*
 * The command line: `uringproxy [options] [COMMAND [options] [operands]]`.
 *
 * The options of every command may stand before its name and behind it.  What a command
 * takes besides is a table of its own, and what the usage says is the table of commands:
 * a new command is a function and a row.
 */
#ifndef CONTROL_COMMANDLINE_H
#define CONTROL_COMMANDLINE_H

#include "base/compiler.h"

#include <getopt.h>

#define COMMANDLINE_PATH "/etc/uringproxy.conf"

struct commandline;

/* The options that may stand before the name of a command and behind it; the last has no name. */
extern const struct option commandline_common[];

/* What is done instead of serving. */
struct command {
	const char *name;
	int (*run)(struct commandline *line); /* returns the exit status */
	const char *synopsis, *help;          /* NULL: nobody is told of it */
};

struct commandline {
	const struct command *commands; /* the last one has no name */
	const char *path;               /* the configuration */
	bool named;                     /* by -c */
	const char *socket;             /* by -s */
	bool test, resolve;             /* without a command: -t and --resolve */
	bool json;                      /* where a command has a row for it */

	const struct command *command; /* NULL: none is named */
	char **operands;               /* of the command, after commandline_take() */
	int operand_count;

	/* commandline.c's: what follows the command, as a main() has it. */
	int argc;
	char **argv;
};

/* An option of one command: "json" is --json.  The last one of a table has no name. */
struct commandline_option {
	const char *name;
	bool *flag;         /* it is given */
	const char **value; /* not NULL: it takes one */
};

/* As many as a command may have. */
#define COMMANDLINE_OPTIONS_MAX 12

/*
 * Up to the name of a command, which is found.  EX_OK, or EX_USAGE and it has been said
 * why; -V and -h are done, and end the process.
 */
int commandline_begin(struct commandline *line, const struct command *commands, int argc,
		      char *argv[]) must_check;
/* What follows: options, and from `least` to `most` operands.  Results as above. */
int commandline_take(struct commandline *line, const struct commandline_option *options, int least,
		     int most) must_check;

/* Say how the command's line would be right; returns EX_USAGE. */
int commandline_explain(const struct commandline *line);

#endif
