/* What is in files: the drop-in directory, and the samples and the manual beside the table. */
#include "config/option.h"
#include "config/schema.h"
#include "support/config_text.h"

#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLE "conf/uringproxy.conf"
#define MANUAL "src/uringproxy.conf.5"

static char directory[40];
static int source_directory;

static void enter_directory(void)
{
	source_directory = open(".", O_PATH | O_CLOEXEC);
	ck_assert_int_ge(source_directory, 0);
	strcpy(directory, "/tmp/test_config_files.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(mkdir("c.conf.d", 0700), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void leave_directory(void)
{
	glob_t paths;

	if (glob("c.conf.d/*", GLOB_PERIOD, NULL, &paths) == 0)
		for (size_t i = 0; i < paths.gl_pathc; i++)
			(void)unlink(paths.gl_pathv[i]);
	globfree(&paths);
	(void)unlink("c.conf");
	ck_assert_int_eq(rmdir("c.conf.d"), 0);
	ck_assert_int_eq(rmdir(directory), 0);
	ck_assert_int_eq(fchdir(source_directory), 0);
	close(source_directory);
}

/* The whole of a file of the source tree, to be freed. */
static char *text_of(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(file, "%s: %s (tests run in the source directory)", path, strerror(errno));
	ck_assert_uint_lt(fread(text, 1, (1 << 20) - 1, file), (1 << 20) - 1);
	fclose(file);
	return text;
}

START_TEST(the_directory_beside_the_file_is_read_in_order_of_names)
{
	struct report report;
	struct config config;

	enter_directory();
	write_file("c.conf", "[echo a]\nlisten = 1\n");
	write_file("c.conf.d/20-b.conf", "[echo c]\nlisten = 3\n");
	write_file("c.conf.d/10-B.conf", "[echo b]\nlisten = 2\n[defaults]\nbacklog = 5\n");
	write_file("c.conf.d/ignored", "[echo ignored]\n");
	write_file("c.conf.d/.hidden.conf", "[echo hidden]\n");
	write_file("c.conf.d/30.conf~", "[echo backup]\n");

	ck_assert_int_eq(config_load(&config, "c.conf", &report), 0);
	ck_assert_uint_eq(config.file_count, 3);
	ck_assert_str_eq(config.files[0], "c.conf");
	ck_assert_str_eq(config.files[1], "c.conf.d/10-B.conf");
	ck_assert_str_eq(config.files[2], "c.conf.d/20-b.conf");
	ck_assert_uint_eq(config.section_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(config.sections[i].file, i);
		ck_assert_uint_eq(config.sections[i].listens[0].file, i);
		ck_assert_uint_eq(config.sections[i].settings.backlog, 5);
	}
	config_done(&config);
	report_done(&report);
	leave_directory();
}
END_TEST

START_TEST(a_mistake_across_files_names_both)
{
	struct report report;
	struct config config;

	enter_directory();
	write_file("c.conf", "[global]\nworkers = 1\n[echo a]\nlisten = 1\n");
	write_file("c.conf.d/a.conf", "[echo b]\nlisten = 1\n");

	ck_assert_int_eq(config_load(&config, "c.conf", &report), -EINVAL);
	ck_assert_uint_eq(report.found[REPORT_MISTAKE], 1);
	ck_assert_str_eq(
		report.lines[0].text,
		"c.conf.d/a.conf:2: [echo b] listen: \"1\" is taken by [echo a] at c.conf:4 "
		"(\"1\"); one of the two has to go");
	config_done(&config);
	report_done(&report);
	leave_directory();
}
END_TEST

/* Every kind of section, and every kind of key. */
START_TEST(a_later_file_opens_sections_again_and_what_it_says_holds)
{
	char effective[8192] = "", explained[CONFIG_EXPLAIN_MAX];
	const struct config_section *a, *web;
	struct report report;
	struct config config;

	enter_directory();
	write_file("c.conf", "[global]\nworkers = 1\nwithout = napi\n"
			     "[log]\nlevel = debug\naccess = /a\n"
			     "[defaults]\nbacklog = 5\nidle_timeout = 5s\n"
			     "[proxy web]\nlisten = 1\nserver = 10.0.0.1:1\nidle_timeout = 6s\n"
			     "[responder a]\nlisten = 2\nsize = 5\nmax_lifetime = 1h\n");
	write_file("c.conf.d/10.conf", "[responder a]\nsize = 6\nlisten = 3\n"
				       "[proxy WEB]\nlisten = 9\nserver = 10.0.0.9:9\n"
				       "[proxy web]\nserver = 10.0.0.2:2\nidle-timeout = 7s\n");
	write_file("c.conf.d/20.conf", "[proxy web]\nserver = 10.0.0.3:3\n"
				       "[defaults]\nbacklog = 7\n"
				       "[log]\naccess = off\n"
				       "[global]\nworkers = 2\nwithout = off\n"
				       "[responder a]\nlisten =\nlisten = 4\nsize = 7\n");

	ck_assert_int_eq(config_load(&config, "c.conf", &report), 0);
	ck_assert_uint_eq(config.workers, 2);
	ck_assert_ptr_null(config.without);
	ck_assert_int_eq(config.access, CONFIG_ACCESS_OFF);
	ck_assert_int_eq(config.level, CONFIG_LEVEL_DEBUG);
	ck_assert_uint_eq(config.section_count, 3);
	web = &config.sections[0];
	ck_assert_uint_eq(web->settings.idle_timeout_ms, 7000);
	ck_assert_uint_eq(web->settings.backlog, 7);
	ck_assert_uint_eq(web->listen_count, 1);
	ck_assert_uint_eq(web->server_count, 3);
	ck_assert_str_eq(web->servers[0].text, "10.0.0.1:1");
	ck_assert_str_eq(web->servers[1].text, "10.0.0.2:2");
	ck_assert_str_eq(web->servers[2].text, "10.0.0.3:3");
	a = &config.sections[1];
	ck_assert_uint_eq(a->responder_size, 7);
	ck_assert_uint_eq(a->settings.max_lifetime_ms, 3600000);
	ck_assert_uint_eq(a->listen_count, 1);
	ck_assert_str_eq(a->listens[0].text, "4");

	FILE *out = fmemopen(effective, sizeof(effective), "w");
	ck_assert_ptr_nonnull(out);
	config_print_effective(&config, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(effective, "7s                 ; c.conf.d/10.conf:9\n"));
	ck_assert_ptr_nonnull(strstr(effective, "10.0.0.3:3         ; c.conf.d/20.conf:2\n"));
	ck_assert_ptr_nonnull(strstr(effective, "; c.conf.d/20.conf:4 [defaults]\n"));
	ck_assert_str_eq(config_explain(&config, web, "idle_timeout", explained, sizeof(explained)),
			 "idle_timeout = 7s, [proxy web] line 9 of c.conf.d/10.conf");
	config_done(&config);
	report_done(&report);
	leave_directory();
}
END_TEST

START_TEST(a_later_file_adds_servers_to_a_pool_and_brings_proxies_of_it)
{
	struct report report;
	struct config config;

	enter_directory();
	write_file("c.conf", "[pool a]\nserver = 10.0.0.1:1\nbalance = least_conn\n");
	write_file("c.conf.d/a.conf", "[pool a]\nserver = 10.0.0.2:1\nbalance = random_two\n"
				      "[proxy b]\nlisten = 1\npool = a\n");
	write_file("c.conf.d/b.conf", "[pool a]\nserver = 10.0.0.1:1\n");

	ck_assert_int_eq(config_load(&config, "c.conf", &report), -EINVAL);
	ck_assert_uint_eq(report.count, 1);
	ck_assert_str_eq(report.lines[0].text,
			 "c.conf.d/b.conf:2: [pool a] server: \"10.0.0.1:1\" is there already, at "
			 "c.conf:2; for a bigger share write weight=2 there");
	config_done(&config);
	report_done(&report);

	write_file("c.conf.d/b.conf", "");
	ck_assert_int_eq(config_load(&config, "c.conf", &report), 0);
	ck_assert_uint_eq(report.count, 0);
	ck_assert_uint_eq(config.pools[0].server_count, 2);
	ck_assert_uint_eq(config.pools[0].settings.balance, CONFIG_BALANCE_RANDOM_TWO);
	ck_assert_ptr_eq(config_pool(&config, &config.sections[0]), &config.pools[0]);
	config_done(&config);
	report_done(&report);
	leave_directory();
}
END_TEST

START_TEST(a_section_of_another_kind_is_another_whatever_its_name)
{
	struct report report;
	struct config config;

	enter_directory();
	write_file("c.conf", "[echo a]\nlisten = 1\n[discard]\nlisten = 2\n");
	write_file("c.conf.d/a.conf", "[chargen a]\nlisten = 3\n[echo discard]\nlisten = 4\n");

	ck_assert_int_eq(config_load(&config, "c.conf", &report), 0);
	ck_assert_uint_eq(config.section_count, 4);
	ck_assert_int_eq(config.sections[0].kind, CONFIG_ECHO);
	ck_assert_int_eq(config.sections[2].kind, CONFIG_CHARGEN);
	ck_assert_int_eq(config.sections[3].kind, CONFIG_ECHO);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(config.sections[i].listen_count, 1);
	config_done(&config);
	report_done(&report);
	leave_directory();
}
END_TEST

START_TEST(in_one_file_a_section_begins_once_whatever_was_in_those_before)
{
	struct report report;
	struct config config;

	enter_directory();
	write_file("c.conf", "[global]\nworkers = 1\n[echo]\nlisten = 1\nbacklog = 2\n");
	write_file("c.conf.d/a.conf", "[echo echo]\nbacklog = 3\nbacklog = 4\n[echo]\n"
				      "[global]\nworkers = 2\nworkers = 3\n[global]\n");

	ck_assert_int_eq(config_load(&config, "c.conf", &report), -EINVAL);
	ck_assert_uint_eq(report.found[REPORT_MISTAKE], 4);
	ck_assert_str_eq(report.lines[0].text,
			 "c.conf.d/a.conf:3: [echo] backlog: is set before, at "
			 "line 2; keep one of the two");
	ck_assert_str_eq(report.lines[1].text,
			 "c.conf.d/a.conf:4: [echo] has begun before, at line 1; join the two or "
			 "give each a name of its own");
	ck_assert_str_eq(report.lines[2].text,
			 "c.conf.d/a.conf:7: [global] workers: is set before, "
			 "at line 6; keep one of the two");
	ck_assert_str_eq(report.lines[3].text, "c.conf.d/a.conf:8: [global] has begun before, at "
					       "line 5; join the two");
	config_done(&config);
	report_done(&report);
	leave_directory();
}
END_TEST

/* To be judged further: what was refused has its default, and says so. */
START_TEST(of_a_file_with_mistakes_the_rest_is_understood)
{
	static const char text[] = "[global]\nworkers = lots\nsqpoll = off\n"
				   "[defaults]\nbacklog = many\n[log]\naccess = /a\n"
				   "[proxy a]\nlisten = 1\n[echo b]\nlisten = 2\nkeepalive = 7s\n";
	struct report report;
	struct config config;

	ck_assert_int_eq(config_parse(&config, "t", text, strlen(text), &report), -EINVAL);
	ck_assert_uint_eq(report.found[REPORT_MISTAKE], 3);
	ck_assert_uint_eq(config.workers, 0);
	ck_assert(config_origin(&config, NULL, "workers")->refused);
	ck_assert_int_eq(config.sqpoll, CONFIG_OFF);
	ck_assert(!config_origin(&config, NULL, "sqpoll")->refused);
	ck_assert_str_eq(config.access_path, "/a");
	ck_assert_uint_eq(config.section_count, 2);
	ck_assert_uint_eq(config.sections[1].settings.backlog, 4096);
	ck_assert(config_origin(&config, &config.sections[1], "backlog")->refused);
	ck_assert_uint_eq(config.sections[1].settings.keepalive_ms, 7000);
	config_done(&config);
	report_done(&report);
}
END_TEST

START_TEST(a_report_is_in_the_order_of_the_lines_and_says_nothing_twice)
{
	struct report report = {0};

	report_add(&report, REPORT_WARNING, REPORT_NOWHERE, 0, "of the machine");
	report_add(&report, REPORT_MISTAKE, 1, 2, "1:2");
	report_add(&report, REPORT_MISTAKE, 0, 9, "0:9");
	report_add(&report, REPORT_MISTAKE, 1, 2, "1:2, another");
	report_add(&report, REPORT_MISTAKE, 1, 0, "of the file");
	report_add(&report, REPORT_WARNING, 0, 10, "0:10");
	report_add(&report, REPORT_MISTAKE, 1, 2, "1:2");
	report_sort(&report);
	ck_assert_uint_eq(report.count, 6);
	ck_assert_uint_eq(report.found[REPORT_MISTAKE], 4);
	ck_assert_str_eq(report.lines[0].text, "0:9");
	ck_assert_str_eq(report.lines[1].text, "0:10");
	ck_assert_str_eq(report.lines[2].text, "of the file");
	ck_assert_str_eq(report.lines[3].text, "1:2");
	ck_assert_str_eq(report.lines[4].text, "1:2, another");
	ck_assert_str_eq(report.lines[5].text, "of the machine");
	report_done(&report);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_the_error_of_open_or_read)
{
	static const struct {
		const char *path;
		int error;
		const char *says;
	} cases[] = {
		{"/nonexistent/c.conf", -ENOENT,
		 "/nonexistent/c.conf: cannot be read: No such file or directory"},
		{"/", -EISDIR, "/: cannot be read: Is a directory"},
		{"/dev/zero", -EFBIG, "/dev/zero: cannot be read: File too large"},
	};
	for (size_t i = 0; i < array_size(cases); i++) {
		struct report report;
		struct config config;

		ck_assert_int_eq(config_load(&config, cases[i].path, &report), cases[i].error);
		ck_assert_uint_eq(report.found[REPORT_MISTAKE], 1);
		ck_assert_str_eq(report.lines[0].text, cases[i].says);
		config_done(&config);
		report_done(&report);
	}
}
END_TEST

/* The mistakes of those beside it are told, too; what may be missing is not known. */
START_TEST(a_drop_in_that_cannot_be_read_is_not_passed_over)
{
	struct report report;
	struct config config;

	enter_directory();
	write_file("c.conf", "[echo a]\nbacklog = 1\n");
	ck_assert_int_eq(symlink("nowhere", "c.conf.d/a.conf"), 0);
	write_file("c.conf.d/b.conf", "[echo a]\nbaklog = 2\n");
	ck_assert_int_eq(config_load(&config, "c.conf", &report), -ENOENT);
	ck_assert_uint_eq(report.found[REPORT_MISTAKE], 2);
	ck_assert_str_eq(report.lines[0].text,
			 "c.conf.d/a.conf: cannot be read: No such file or directory");
	ck_assert_str_eq(report.lines[1].text,
			 "c.conf.d/b.conf:2: [echo a] baklog: no such key; did you mean backlog?");
	config_done(&config);
	report_done(&report);
	leave_directory();
}
END_TEST

START_TEST(every_sample_and_example_is_free_of_mistakes_and_warnings)
{
	static const char *const patterns[] = {"conf/*.conf", "examples/*.conf"};

	for (size_t i = 0; i < array_size(patterns); i++) {
		glob_t paths;

		ck_assert_int_eq(glob(patterns[i], 0, NULL, &paths), 0);
		for (size_t j = 0; j < paths.gl_pathc; j++) {
			char *text = text_of(paths.gl_pathv[j]);
			const char *said = config_said_of(text);

			ck_assert_msg(!*said, "%s\n%s", paths.gl_pathv[j], said);
			free(text);
		}
		globfree(&paths);
	}
}
END_TEST

START_TEST(the_shipped_file_listens_on_one_loopback_address_and_changes_no_default)
{
	char *text = text_of(SAMPLE);
	struct config config = config_of(text);

	ck_assert_uint_eq(config.section_count, 1);
	ck_assert_int_eq(config.sections[0].kind, CONFIG_ECHO);
	ck_assert_uint_eq(config.sections[0].listen_count, 1);
	ck_assert_str_eq(config.sections[0].listens[0].text, "127.0.0.1:7007");
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++)
		if (!schema_is_list(&schema_keys[i]))
			ck_assert_uint_eq(
				config.origins[i].line + config.sections[0].origins[i].line, 0);
	config_done(&config);
	free(text);
}
END_TEST

/* "#key = value" and "#[section]" show a line; "# text" explains. */
static void uncomment(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		bool starts = from == text || from[-1] == '\n';

		if (starts && *from == '#' && (isalpha((unsigned char)from[1]) || from[1] == '['))
			continue;
		*to++ = *from;
	}
	*to = 0;
}

START_TEST(the_shipped_file_shows_every_key_with_its_default)
{
	char *text = text_of(SAMPLE), line[200];

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		snprintf(line, sizeof(line), "\n%s%s =%s%s", schema_is_list(key) ? "" : "#",
			 key->name, key->initial ? " " : "", key->initial ? key->initial : "");
		if (key->type == SCHEMA_SERVER || key->type == SCHEMA_LINE)
			snprintf(line, sizeof(line), "\n#%s =", key->name);
		ck_assert_msg(strstr(text, line), "%s does not have the line \"%s\"", SAMPLE,
			      line + 1);
	}
	free(text);
}
END_TEST

START_TEST(the_shipped_file_is_free_of_mistakes_when_every_line_in_it_is_used)
{
	char *text = text_of(SAMPLE);
	struct config config;

	uncomment(text);
	config = config_of(text);
	ck_assert_uint_eq(config.section_count, CONFIG_KIND_COUNT + 1);
	ck_assert_uint_eq(config.pool_count, 1);
	/* every key was set, to what it is anyway */
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (key->owner == OWNER_CONFIG)
			ck_assert_msg(config.origins[i].line, "%s is not in the file", key->name);
		if (key->owner == OWNER_SETTINGS)
			ck_assert_msg(config.sections[0].origins[i].defaults,
				      "%s is not in the file", key->name);
	}
	config_done(&config);
	free(text);
}
END_TEST

START_TEST(the_quickstart_is_an_echo_and_a_proxy_in_front_of_a_responder)
{
	char *text = text_of("examples/quickstart.conf");
	struct config config = config_of(text);

	ck_assert_uint_eq(config.section_count, 3);
	ck_assert_int_eq(config.sections[0].kind, CONFIG_ECHO);
	ck_assert_str_eq(config.sections[0].listens[0].text, "127.0.0.1:7007");
	ck_assert_int_eq(config.sections[1].kind, CONFIG_RESPONDER);
	ck_assert_str_eq(config.sections[1].listens[0].text, "127.0.0.1:8081");
	ck_assert_int_eq(config.sections[2].kind, CONFIG_PROXY);
	ck_assert_str_eq(config.sections[2].listens[0].text, "127.0.0.1:8080");
	ck_assert_str_eq(config.sections[2].servers[0].text, "127.0.0.1:8081");
	config_done(&config);
	free(text);
}
END_TEST

/* Whether one of the entries of that key, each from its .It to the next, has the sentence. */
static bool manual_says(const char *manual, const char *name, const char *sentence)
{
	char item[100];

	snprintf(item, sizeof(item), "\n.It Ic %s", name);
	for (const char *at = strstr(manual, item); at; at = strstr(at + 1, item)) {
		const char *end = strstr(at + 1, "\n.It Ic "), *said = strstr(at, sentence);

		if (strchr("\n ", at[strlen(item)]) && said && (!end || said < end))
			return true;
	}
	return false;
}

START_TEST(the_manual_has_every_key_with_its_range_and_default)
{
	char *manual = text_of(MANUAL), sentence[300], range[200];

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (schema_is_list(key))
			snprintf(sentence, sizeof(sentence), "\nMay be repeated");
		else if (key->max)
			snprintf(sentence, sizeof(sentence), "\nRange %s, default %s.\n",
				 schema_range(key, range, sizeof(range)), key->initial);
		else
			snprintf(sentence, sizeof(sentence), "\nDefault %s.\n", key->initial);
		ck_assert_msg(manual_says(manual, key->name, sentence), "%s does not say of %s: %s",
			      MANUAL, key->name, sentence + 1);
		for (size_t j = 0; key->words && key->words[j]; j++)
			ck_assert_msg(manual_says(manual, key->name, key->words[j]),
				      "%s does not say that %s can be %s", MANUAL, key->name,
				      key->words[j]);
	}
	free(manual);
}
END_TEST

START_TEST(the_manual_and_the_sample_have_every_option_of_a_server)
{
	char *manual = text_of(MANUAL), *sample = text_of(SAMPLE), item[100];
	const char *name;
	size_t count = 0;

	for (; (name = option_name(ENDPOINT_CONNECT, count)); count++) {
		bool found = false;

		snprintf(item, sizeof(item), "Cm %s", name);
		for (const char *at = strstr(manual, "\n.It Cm "); at && !found;
		     at = strstr(at + 1, "\n.It Cm ")) {
			const char *said = strstr(at, item);

			found = said && said < at + 1 + strcspn(at + 1, "\n") &&
				strchr("=\n", said[strlen(item)]);
		}
		ck_assert_msg(found, "%s does not have %s", MANUAL, name);
		ck_assert_msg(strstr(sample, name), "%s does not have %s", SAMPLE, name);
	}
	ck_assert_uint_eq(count, 13);
	free(manual);
	free(sample);
}
END_TEST

START_TEST(the_manual_has_no_key_that_does_not_exist)
{
	char *manual = text_of(MANUAL);

	for (char *at = strstr(manual, "\n.It Ic "); at; at = strstr(at, "\n.It Ic ")) {
		at += strlen("\n.It Ic ");
		char name[100];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, " \n"), at);
		ck_assert_msg(schema_find(name, ~0u), "%s has %s", MANUAL, name);
	}
	free(manual);
}
END_TEST

/* Those that begin with a section. */
START_TEST(the_examples_in_the_manual_are_free_of_mistakes)
{
	char *manual = text_of(MANUAL), *at = manual;
	unsigned count = 0;

	while ((at = strstr(at, "\n.Bd -literal"))) {
		char *text = strchr(at + 1, '\n') + 1, *end = strstr(text, ".Ed\n");
		const char *said;

		at = end;
		if (*text != '[')
			continue;
		*end = 0;
		said = config_said_of(text);
		ck_assert_msg(!*said, "%s%s", text, said);
		*end = '.';
		count++;
	}
	ck_assert_uint_eq(count, 10);
	free(manual);
}
END_TEST

static bool says(const char *from, const char *to, const char *words)
{
	return memmem(from, (size_t)(to - from), words, strlen(words));
}

/* Servers take turns, and a standby must not be written to: its check has to tell it apart. */
START_TEST(no_example_lets_the_servers_of_a_database_take_turns)
{
	static const char *const files[] = {MANUAL, "src/uringproxy.8", SAMPLE, "README.md",
					    "examples/proxy.conf"};
	bool found = false;

	for (size_t i = 0; i < array_size(files); i++) {
		char *text = text_of(files[i]);

		/* From one section to the next; by the port, as by the name. */
		for (char *at = text, *next; at; at = next) {
			unsigned servers = 0;
			char *end;

			next = strstr(at + 1, "\n[");
			end = next ? next : at + strlen(at);
			for (char *line = at; (line = strstr(line, "\nserver")) && line < end;
			     line++)
				if (memmem(line + 1, strcspn(line + 1, "\n"), ":5432", 5) ||
				    memmem(line + 1, strcspn(line + 1, "\n"), ":3306", 5))
					servers++;
			found |= servers == 1;
			if (says(at, end, "\ncheck_request") && says(at, end, "\npanic"))
				continue;
			ck_assert_msg(servers <= 1, "%s: a database of %u servers", files[i],
				      servers);
		}
		free(text);
	}
	ck_assert(found);
}
END_TEST

START_TEST(every_key_is_described_in_the_table)
{
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		ck_assert_msg(key->help && strlen(key->help) > 10, "%s has no help", key->name);
		ck_assert_msg(key->where, "%s may stand nowhere", key->name);
		/* no other row would be found in its place */
		ck_assert_ptr_eq(schema_find(key->name, key->where), key);
	}
}
END_TEST

SUITE("config files", the_directory_beside_the_file_is_read_in_order_of_names,
      a_mistake_across_files_names_both, a_later_file_opens_sections_again_and_what_it_says_holds,
      a_section_of_another_kind_is_another_whatever_its_name,
      a_later_file_adds_servers_to_a_pool_and_brings_proxies_of_it,
      in_one_file_a_section_begins_once_whatever_was_in_those_before,
      a_file_that_cannot_be_read_is_the_error_of_open_or_read,
      of_a_file_with_mistakes_the_rest_is_understood,
      a_report_is_in_the_order_of_the_lines_and_says_nothing_twice,
      a_drop_in_that_cannot_be_read_is_not_passed_over,
      every_sample_and_example_is_free_of_mistakes_and_warnings,
      the_shipped_file_listens_on_one_loopback_address_and_changes_no_default,
      the_shipped_file_shows_every_key_with_its_default,
      the_shipped_file_is_free_of_mistakes_when_every_line_in_it_is_used,
      the_quickstart_is_an_echo_and_a_proxy_in_front_of_a_responder,
      the_manual_has_every_key_with_its_range_and_default,
      the_manual_and_the_sample_have_every_option_of_a_server,
      the_manual_has_no_key_that_does_not_exist, the_examples_in_the_manual_are_free_of_mistakes,
      every_key_is_described_in_the_table, no_example_lets_the_servers_of_a_database_take_turns)
