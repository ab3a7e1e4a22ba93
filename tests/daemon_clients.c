/* Programs other people wrote, through the proxy: wrk, curl, nginx, Redis, PostgreSQL. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A whole run takes seconds, and a minute where fifty others want the processor: this is there to
 * end what hangs. */
#define HANGS_MS 300000

static char directory[4096];

/* A directory of the program's own, for the given user. */
static void make_directory(uid_t owner)
{
	snprintf(directory, sizeof(directory), "%s/XXXXXX", suite_dir());
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chown(directory, owner, (gid_t)-1), 0);
}

static struct child start_program(const char *const *argv, uid_t uid, int death_signal)
{
	static char output[4200];
	struct child child;

	snprintf(output, sizeof(output), "%s/output", directory);
	ck_assert_int_eq(child_start(&child, &(struct child_options){.argv = argv,
								     .output = output,
								     .uid = uid,
								     .death_signal = death_signal}),
			 0);
	return child;
}

static void wait_listening(struct child *child, const char *address)
{
	int fd = -1;

	ck_assert_msg(wait_until((fd = peer_connect(address)) >= 0 || child_exit_status(child) >= 0,
				 HANGS_MS) &&
			      fd >= 0,
		      "the program does not listen on %s, see %s", address, directory);
	close(fd);
}

/* ---- HTTP ---- */

static void assert_wrk_is_content(const char *to, const char *connections)
{
	char url[64];
	const char *const argv[] = {"wrk",       "-t2", connections, "-d2s",
				    "--timeout", "20s", url,         NULL};
	double rate = 0;
	char *output, *line;
	int status;

	snprintf(url, sizeof(url), "http://%s/", to);
	status = child_run(&(struct child_options){.argv = argv}, HANGS_MS, &output);
	line = strstr(output, "Requests/sec:");
	ck_assert_msg(status == 0 && line && sscanf(line, "Requests/sec: %lf", &rate) == 1 &&
			      rate > 0 && !strstr(output, "Socket errors") &&
			      !strstr(output, "Non-2xx"),
		      "wrk ended with %d:\n%s", status, output);
	free(output);
}

START_TEST(wrk_finds_no_error_through_a_proxy_to_the_responder)
{
	struct daemon *daemon;
	char responder[32], proxy[32];
	unsigned before;

	if (!program_exists("wrk"))
		SKIP_TEST("wrk is not installed");
	snprintf(responder, sizeof(responder), "127.0.0.1:%u", port_reserve());
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\nlevel = info\n"
			      "[responder r]\nlisten = %s\n"
			      "[proxy p]\nlisten = %s\nserver = %s\n",
			      responder, proxy, responder);
	before = daemon_open_fds(daemon);
	assert_wrk_is_content(responder, "-c64");
	assert_wrk_is_content(proxy, "-c64");
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
}
END_TEST

static struct child start_nginx(const char *address)
{
	char path[4200];
	const char *const argv[] = {"nginx", "-c", path, "-e", "stderr", NULL};
	FILE *file;

	make_directory(0);
	snprintf(path, sizeof(path), "%s/nginx.conf", directory);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file,
		"daemon off;\nmaster_process off;\npid %s/pid;\nerror_log stderr;\n"
		"events { worker_connections 512; }\n"
		"http {\naccess_log off;\nkeepalive_requests 1000000;\n"
		"client_body_temp_path %s/b;\nproxy_temp_path %s/p;\nfastcgi_temp_path %s/f;\n"
		"uwsgi_temp_path %s/u;\nscgi_temp_path %s/s;\n"
		"server { listen %s; root %s; location = / { return 200 'hello'; } }\n}\n",
		directory, directory, directory, directory, directory, directory, address,
		directory);
	fclose(file);
	return start_program(argv, 0, 0);
}

START_TEST(wrk_finds_no_error_through_a_proxy_to_nginx)
{
	char nginx_address[32], proxy[32];
	struct daemon *daemon;
	struct child nginx;

	if (!program_exists("wrk") || !program_exists("nginx"))
		SKIP_TEST("wrk and nginx are not both installed");
	snprintf(nginx_address, sizeof(nginx_address), "127.0.0.1:%u", port_reserve());
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%u", port_reserve());
	nginx = start_nginx(nginx_address);
	wait_listening(&nginx, nginx_address);
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n", proxy,
			      nginx_address);
	assert_wrk_is_content(proxy, "-c64");
	daemon_stop(daemon);
	child_stop(&nginx, SIGTERM);
}
END_TEST

/* A file large enough for sendfile and backpressure, asked for with and without keep-alive. */
START_TEST(curl_gets_a_file_from_nginx_unchanged)
{
	enum { BLOCK = 1 << 20, BLOCKS = 24 };
	char nginx_address[32], proxy[32], command[10000], *output, *block = malloc(BLOCK);
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct daemon *daemon;
	struct child nginx;
	int fd, status;

	if (!program_exists("curl") || !program_exists("nginx"))
		SKIP_TEST("curl and nginx are not both installed");
	snprintf(nginx_address, sizeof(nginx_address), "127.0.0.1:%u", port_reserve());
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%u", port_reserve());
	nginx = start_nginx(nginx_address);
	snprintf(command, sizeof(command), "%s/file", directory);
	fd = open(command, O_WRONLY | O_CREAT, 0644);
	for (int i = 0; i < BLOCKS; i++) {
		memset(block, 'a' + i, BLOCK);
		ck_assert_int_eq(write(fd, block, BLOCK), BLOCK);
	}
	close(fd);
	free(block);
	wait_listening(&nginx, nginx_address);
	daemon = daemon_start(&daemon_modes[_i], "[proxy p]\nlisten = %s\nserver = %s\n", proxy,
			      nginx_address);
	snprintf(command, sizeof(command),
		 "set -e; cd %s; curl -sS -o one http://%s/file -o two http://%s/file;"
		 "curl -sS -H 'Connection: close' -o three http://%s/file;"
		 "cmp file one; cmp file two; cmp file three",
		 directory, proxy, proxy, proxy);
	status = child_run(&(struct child_options){.argv = argv}, HANGS_MS, &output);
	ck_assert_msg(status == 0, "%s", output);
	free(output);
	daemon_stop(daemon);
	child_stop(&nginx, SIGTERM);
}
END_TEST

/* ---- Redis ---- */

START_TEST(redis_benchmark_runs_through_a_proxy)
{
	char port[8], address[32], proxy[32], proxy_port[8], *output;
	const char *const server[] = {"redis-server", "--port", port,      "--bind",
				      "127.0.0.1",    "--save", "",        "--appendonly",
				      "no",           "--dir",  directory, NULL};
	const char *const benchmark[] = {"redis-benchmark",
					 "-p",
					 proxy_port,
					 "-t",
					 "ping,set,get,lrange_300",
					 "-n",
					 "5000",
					 "-c",
					 "20",
					 "-d",
					 "1000",
					 "--csv",
					 NULL};
	struct daemon *daemon;
	struct child redis;
	int status;

	if (!program_exists("redis-server") || !program_exists("redis-benchmark"))
		SKIP_TEST("redis-server and redis-benchmark are not both installed");
	make_directory(0);
	snprintf(port, sizeof(port), "%u", port_reserve());
	snprintf(address, sizeof(address), "127.0.0.1:%s", port);
	snprintf(proxy_port, sizeof(proxy_port), "%u", port_reserve());
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%s", proxy_port);
	redis = start_program(server, 0, 0);
	wait_listening(&redis, address);
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n", proxy,
			      address);
	status = child_run(&(struct child_options){.argv = benchmark}, HANGS_MS, &output);
	ck_assert_msg(status == 0 && strstr(output, "\"SET\",\"") && strstr(output, "\"GET\",\"") &&
			      strstr(output, "LRANGE_300") && !strstr(output, "rror"),
		      "redis-benchmark ended with %d:\n%s", status, output);
	free(output);
	daemon_stop(daemon);
	child_stop(&redis, SIGTERM);
}
END_TEST

/* ---- PostgreSQL ---- */

/* Debian keeps the server's programs out of PATH. */
static const char find_postgres[] =
	"ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1";

static bool locate_postgres(char path[static 256])
{
	const char *const argv[] = {"sh", "-c", find_postgres, NULL};
	char *output;
	bool found;

	child_run(&(struct child_options){.argv = argv}, 10000, &output);
	found = sscanf(output, "%255s", path) == 1;
	free(output);
	return found && program_exists("psql");
}

/* The server refuses to be root. */
static uid_t postgres_user(void)
{
	const struct passwd *user = getpwnam(geteuid() == 0 ? "postgres" : "");

	return user ? user->pw_uid : 0;
}

static struct child start_postgres(const char *path, const char *port, uid_t uid)
{
	char command[13000], *output;
	const char *const initialise[] = {"sh", "-c", command, NULL};
	char program[512], data[4200];
	const char *const argv[] = {program, "-D", data, "-p", port, "-k", directory, "-F", NULL};
	int status;

	snprintf(command, sizeof(command),
		 "cd %s && %s/initdb -D data -U tester -A trust --no-sync -E UTF8 --locale=C",
		 directory, path);
	status = child_run(&(struct child_options){.argv = initialise, .uid = uid}, HANGS_MS,
			   &output);
	ck_assert_msg(status == 0, "initdb: %s", output);
	free(output);
	snprintf(program, sizeof(program), "%s/postgres", path);
	snprintf(data, sizeof(data), "%s/data", directory);
	return start_program(argv, uid, SIGQUIT);
}

static void assert_psql_session(const char *port)
{
	/* A result of megabytes, a COPY in, one that fails, a transaction rolled back. */
	static const char script[] =
		"CREATE TABLE t (n int, s text);\n"
		"INSERT INTO t SELECT n, repeat(md5(n::text), 64) FROM generate_series(1, 4000) "
		"n;\n"
		"SELECT 'sum ' || sum(n) FROM t;\n"
		"\\o /dev/null\n"
		"SELECT * FROM t;\n"
		"\\o\n"
		"COPY t FROM stdin WITH (FORMAT csv);\n1000000,copied\n2000000,copied\n\\.\n"
		"BEGIN; DELETE FROM t; ROLLBACK;\n"
		"SELECT 'after ' || count(*) FROM t;\n"
		"SELECT 'md5 ' || md5(string_agg(s, '' ORDER BY n)) = 'md5 ' || "
		"(SELECT md5(string_agg(repeat(md5(n::text), 64), '' ORDER BY n)) "
		"FROM generate_series(1, 4000) n) FROM t WHERE n <= 4000;\n"
		"DROP TABLE t;\n";
	char input[4200], *output;
	const char *const argv[] = {"psql", "-X",        "-A",       "-t", "-v", "ON_ERROR_STOP=1",
				    "-h",   "127.0.0.1", "-p",       port, "-U", "tester",
				    "-f",   input,       "postgres", NULL};
	FILE *file;
	int status;

	snprintf(input, sizeof(input), "%s/script.sql", directory);
	file = fopen(input, "w");
	ck_assert_ptr_nonnull(file);
	fputs(script, file);
	fclose(file);
	status = child_run(&(struct child_options){.argv = argv}, HANGS_MS, &output);
	ck_assert_msg(status == 0 && strstr(output, "sum 8002000\n") &&
			      strstr(output, "after 4002\n") && strstr(output, "\nt\n"),
		      "psql ended with %d:\n%s", status, output);
	free(output);
}

/* One server for all modes: making a cluster takes seconds. */
START_TEST(a_psql_session_runs_through_a_proxy)
{
	char path[256], port[8], address[32], proxy[32], proxy_port[8];
	struct daemon *daemon;
	struct child postgres;

	if (!locate_postgres(path))
		SKIP_TEST("PostgreSQL's server and psql are not both installed");
	if (geteuid() == 0 && !postgres_user())
		SKIP_TEST("PostgreSQL does not run as root, and there is no user postgres");
	make_directory(geteuid() == 0 ? postgres_user() : geteuid());
	snprintf(port, sizeof(port), "%u", port_reserve());
	snprintf(address, sizeof(address), "127.0.0.1:%s", port);
	postgres = start_postgres(path, port, postgres_user());
	wait_listening(&postgres, address);
	for (int mode = 0; mode < DAEMON_MODES; mode++) {
		snprintf(proxy_port, sizeof(proxy_port), "%u", port_reserve());
		snprintf(proxy, sizeof(proxy), "127.0.0.1:%s", proxy_port);
		daemon = daemon_start(&daemon_modes[mode], "[proxy p]\nlisten = %s\nserver = %s\n",
				      proxy, address);
		assert_psql_session(proxy_port);
		daemon_stop(daemon);
	}
	child_stop(&postgres, SIGINT);
}
END_TEST

SUITE_OF("daemon: clients", 120, IN_EACH_MODE(wrk_finds_no_error_through_a_proxy_to_the_responder),
	 IN_EACH_MODE(wrk_finds_no_error_through_a_proxy_to_nginx),
	 IN_BOTH_RINGS(curl_gets_a_file_from_nginx_unchanged),
	 IN_BOTH_RINGS(redis_benchmark_runs_through_a_proxy),
	 ONCE(a_psql_session_runs_through_a_proxy))
