/*
 * The endings of support/endings.h through the daemon and its peers, as a table for the README:
 * a cell is "as direct", or what the two sides saw instead.
 * A peer that is not installed is left out and named.
 */
#include "support/child.h"
#include "support/endings.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CASES_MAX = 64 };

/* One that stands between: which programs lead from every entrance to its server. */
struct between {
	const char *name, *program;
	const char *before, *section,
		*after;      /* of its configuration; section has entrance, server */
	const char *argv[8]; /* "CONF" is its file, or started for each case with
				"ENTRANCE" and "SERVER" */
};

static const struct between peers[] = {
	{
		.name = "uringproxy",
		.program = NULL, /* $URINGPROXY */
		.section = "[proxy c%u]\nlisten = %s\nserver = %s\n",
		.argv = {"", "-c", "CONF"},
	},
	{
		.name = "HAProxy",
		.program = "/usr/sbin/haproxy",
		.before = "defaults\nmode tcp\ntimeout connect 5s\ntimeout client 60s\n"
			  "timeout server 60s\n",
		.section = "listen c%u\nbind %s\nserver s %s\n",
		.argv = {"haproxy", "-db", "-f", "CONF"},
	},
	{
		.name = "nginx stream",
		.program = "/usr/sbin/nginx",
		.before = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off;\n"
			  "master_process off;\nerror_log stderr crit;\nevents {}\nstream {\n",
		.section = "# %u\nserver { listen %s; proxy_pass %s; }\n",
		.after = "}\n",
		.argv = {"nginx", "-e", "stderr", "-c", "CONF"},
	},
	{
		.name = "nginx, proxy_half_close on",
		.program = "/usr/sbin/nginx",
		.before = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off;\n"
			  "master_process off;\nerror_log stderr crit;\nevents {}\nstream {\n"
			  "proxy_half_close on;\n",
		.section = "# %u\nserver { listen %s; proxy_pass %s; }\n",
		.after = "}\n",
		.argv = {"nginx", "-e", "stderr", "-c", "CONF"},
	},
	{
		.name = "systemd-socket-proxyd",
		.program = "/lib/systemd/systemd-socket-proxyd",
		.argv = {"systemd-socket-activate", "-l", "ENTRANCE",
			 "/lib/systemd/systemd-socket-proxyd", "SERVER"},
	},
};

enum { PEERS = sizeof(peers) / sizeof(peers[0]) };

struct stage {
	char servers[CASES_MAX][32], entrances[CASES_MAX][32];
	const char *server[CASES_MAX], *entrance[CASES_MAX];
	struct ending_result results[CASES_MAX];
	struct child children[CASES_MAX];
	unsigned child_count;
	bool missing;
};

static void set_stage(struct stage *stage, bool has_entrances)
{
	for (unsigned i = 0; i < ending_case_count; i++) {
		snprintf(stage->servers[i], 32, "127.0.0.1:%u", port_reserve());
		stage->server[i] = stage->entrance[i] = stage->servers[i];
		if (!has_entrances)
			continue;
		snprintf(stage->entrances[i], 32, "127.0.0.1:%u", port_reserve());
		stage->entrance[i] = stage->entrances[i];
	}
}

static void write_configuration(const struct between *peer, const struct stage *stage,
				const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fputs(peer->before ? peer->before : "", file);
	for (unsigned i = 0; i < ending_case_count; i++) {
		/* "%u", "%s" and "%s", in this order, in every one of the table above */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		fprintf(file, peer->section, i, stage->entrance[i], stage->server[i]);
#pragma GCC diagnostic pop
	}
	fputs(peer->after ? peer->after : "", file);
	fclose(file);
}

static void start(const struct between *peer, struct stage *stage, unsigned which, const char *path,
		  const char *log)
{
	const char *argv[8] = {NULL};

	for (unsigned i = 0; peer->argv[i]; i++) {
		argv[i] = peer->argv[i];
		if (strcmp(argv[i], "CONF") == 0)
			argv[i] = path;
		else if (strcmp(argv[i], "ENTRANCE") == 0)
			argv[i] = stage->entrance[which];
		else if (strcmp(argv[i], "SERVER") == 0)
			argv[i] = stage->server[which];
	}
	if (!peer->program)
		argv[0] = getenv("URINGPROXY");
	if (child_start(&stage->children[stage->child_count++],
			&(struct child_options){.argv = argv, .output = log}) < 0)
		exit(EXIT_FAILURE);
}

/* Seen from outside: a connection made to try would be carried on to the server. */
static bool is_listening(const char *address)
{
	char want[32], *table = file_read("/proc/net/tcp");
	bool listens;

	snprintf(want, sizeof(want), ":%04X 00000000:0000 0A ", atoi(strchr(address, ':') + 1));
	listens = strstr(table, want);
	free(table);
	return listens;
}

static void start_peer(const struct between *peer, struct stage *stage, const char *directory)
{
	char path[4096], log[4096];

	snprintf(path, sizeof(path), "%s/%td.conf", directory, peer - peers);
	snprintf(log, sizeof(log), "%s/%td.log", directory, peer - peers);
	set_stage(stage, true);
	if (peer->section)
		write_configuration(peer, stage, path);
	for (unsigned i = 0; i < (peer->section ? 1 : ending_case_count); i++)
		start(peer, stage, i, path, log);
	for (unsigned i = 0; i < ending_case_count; i++) {
		if (!wait_until(is_listening(stage->entrance[i]), 10000)) {
			fprintf(stderr, "%s does not listen, see %s\n", peer->name, log);
			exit(EXIT_FAILURE);
		}
	}
}

static void play(struct stage *stage)
{
	endings_play(stage->server, stage->entrance, stage->results);
}

static void print_cell(const struct ending_case *which, const struct ending_result *direct,
		       const struct ending_result *through)
{
	char client[ENDING_TEXT], server[ENDING_TEXT];

	if (ending_same(which, false, direct, through)) {
		printf(" | as direct");
		return;
	}
	ending_describe(which, &through->client, client);
	ending_describe(which, &through->server, server);
	printf(" | **client %s; server %s**", client, server);
}

static void print_table(const struct stage *direct, const struct stage *stages)
{
	printf("| | direct: client sees; server sees");
	for (unsigned p = 0; p < PEERS; p++)
		if (!stages[p].missing)
			printf(" | %s", peers[p].name);
	printf(" |\n|---|---");
	for (unsigned p = 0; p < PEERS; p++)
		if (!stages[p].missing)
			printf("|---");
	printf("|\n");
	for (unsigned i = 0; i < ending_case_count; i++) {
		const struct ending_case *which = &ending_cases[i];
		char client[ENDING_TEXT], server[ENDING_TEXT];

		ending_describe(which, &direct->results[i].client, client);
		ending_describe(which, &direct->results[i].server, server);
		printf("| %s | %s; %s", which->name, client, server);
		for (unsigned p = 0; p < PEERS; p++)
			if (!stages[p].missing)
				print_cell(which, &direct->results[i], &stages[p].results[i]);
		printf(" |\n");
	}
	printf("\n");
	for (unsigned p = 0; p < PEERS; p++) {
		unsigned same = 0;

		for (unsigned i = 0; i < ending_case_count; i++)
			same += ending_same(&ending_cases[i], false, &direct->results[i],
					    &stages[p].results[i]);
		if (stages[p].missing)
			printf("%s is not installed.\n", peers[p].name);
		else
			printf("%s: %u of %u as direct.\n", peers[p].name, same, ending_case_count);
	}
}

int main(void)
{
	static struct stage direct, stages[PEERS];
	char directory[] = "/tmp/compare-endings.XXXXXX";

	if (!getenv("URINGPROXY") || !mkdtemp(directory) || ending_case_count > CASES_MAX) {
		fprintf(stderr, "usage: URINGPROXY=PROGRAM compare_endings\n");
		return EXIT_FAILURE;
	}
	set_stage(&direct, false);
	play(&direct);
	for (unsigned p = 0; p < PEERS; p++) {
		stages[p].missing = peers[p].program && access(peers[p].program, X_OK) < 0;
		if (stages[p].missing)
			continue;
		fprintf(stderr, "%s ... (its log is in %s)\n", peers[p].name, directory);
		start_peer(&peers[p], &stages[p], directory);
		play(&stages[p]);
		for (unsigned i = 0; i < stages[p].child_count; i++)
			child_stop(&stages[p].children[i], SIGTERM);
	}
	print_table(&direct, stages);
	return EXIT_SUCCESS;
}
