/* What a configuration means when there is nothing wrong with it. */
#include "config/schema.h"
#include "support/config_text.h"

#include <stdlib.h>

#define ECHO "[echo]\nlisten = 127.0.0.1:7\n"

START_TEST(what_is_not_set_has_its_default)
{
	struct config config = config_of("[proxy web]\nlisten = 80\nserver = 127.0.0.1:9000\n");
	const struct config_settings *settings = &config.sections[0].settings;

	ck_assert_uint_eq(config.workers, 0);
	ck_assert_int_eq(config.sqpoll, CONFIG_AUTO);
	ck_assert_uint_eq(config.sqpoll_idle_ms, 10);
	ck_assert_uint_eq(config.busy_poll_us, 0);
	ck_assert_uint_eq(config.coalesce_us, 200);
	ck_assert_uint_eq(config.max_connections, 0);
	ck_assert_uint_eq(config.buffer_memory, 0); /* auto */
	ck_assert_uint_eq(config.buffer_size, 0);
	ck_assert_uint_eq(config.drain_timeout_ms, 30000);
	ck_assert_uint_eq(config.drain_announce_ms, 0);
	ck_assert_ptr_null(config.without);
	ck_assert_int_eq(config.level, CONFIG_LEVEL_INFO);
	ck_assert_int_eq(config.access, CONFIG_ACCESS_OFF);
	ck_assert_int_eq(config.format, CONFIG_FORMAT_TEXT);
	for (size_t i = 0; i < array_size(config.cpus); i++)
		ck_assert_uint_eq(config.cpus[i] | config.sqpoll_cpus[i], 0);

	ck_assert_uint_eq(settings->connect_timeout_ms, 5000);
	ck_assert_uint_eq(settings->idle_timeout_ms, 3600000);
	ck_assert_uint_eq(settings->half_close_timeout_ms, 300000);
	ck_assert_uint_eq(settings->max_lifetime_ms, 0);
	ck_assert_uint_eq(settings->keepalive_ms, 0);
	ck_assert_uint_eq(settings->idle_if_alive, CONFIG_IF_ALIVE_CLOSE);
	ck_assert_uint_eq(settings->relay, CONFIG_RELAY_AUTO);
	ck_assert_uint_eq(settings->backlog, 4096);
	ck_assert_uint_eq(settings->receive_budget, 256 << 10);
	ck_assert_uint_eq(settings->pipe_size, 512 << 10);
	config_done(&config);
}
END_TEST

START_TEST(every_kind_of_section_is_read_with_its_name_and_its_addresses)
{
	struct config config = config_of("[proxy web]\n"
					 "listen = 80\n"
					 "listen = unix:@web\n"
					 "server = 127.0.0.1:9000\n"
					 "server = db.example:9001\n"
					 "[echo]\nlisten = 7\n"
					 "[discard]\nlisten = 9\n"
					 "[chargen lab]\nlisten = 19\n"
					 "[responder]\nlisten = 8081\nsize = 16K\n");
	static const char *const titles[] = {"[proxy web]", "[echo]", "[discard]", "[chargen lab]",
					     "[responder]"};
	static const char *const names[] = {"web", "echo", "discard", "lab", "responder"};

	ck_assert_uint_eq(config.section_count, CONFIG_KIND_COUNT);
	for (unsigned i = 0; i < config.section_count; i++) {
		ck_assert_int_eq((int)config.sections[i].kind, (int)i);
		ck_assert_str_eq(config.sections[i].title, titles[i]);
		ck_assert_str_eq(config.sections[i].name, names[i]);
	}
	ck_assert_uint_eq(config.sections[0].listen_count, 2);
	ck_assert_int_eq(config.sections[0].listens[0].address.kind, ADDRESS_ANY);
	ck_assert_str_eq(config.sections[0].listens[1].text, "unix:@web");
	ck_assert_uint_eq(config.sections[0].listens[1].line, 3);
	ck_assert_uint_eq(config.sections[0].server_count, 2);
	ck_assert_str_eq(config.sections[0].servers[1].address.host, "db.example");
	ck_assert_uint_eq(config.sections[4].responder_size, 16384);
	config_done(&config);
}
END_TEST

START_TEST(global_and_log_are_read)
{
	struct config config = config_of("[global]\n"
					 "workers = 4\n"
					 "sqpoll = yes\n"
					 "sqpoll_idle = 50ms\n"
					 "sqpoll_cpus = 4-6 1023\n"
					 "cpus = 0-3,64\n"
					 "busy_poll = 50us\n"
					 "coalesce = 1ms\n"
					 "max_connections = 1000\n"
					 "buffer_memory = 5G\n"
					 "buffer_size = 4K\n"
					 "drain_timeout = infinity\n"
					 "drain_announce = 5\n"
					 "without = recv_bundle, NAPI  send-zc\n"
					 "[log]\n"
					 "level = debug\n"
					 "access = /var/log/access\n"
					 "format = json\n" ECHO);

	ck_assert_uint_eq(config.workers, 4);
	ck_assert_int_eq(config.sqpoll, CONFIG_ON);
	ck_assert_uint_eq(config.sqpoll_idle_ms, 50);
	ck_assert_uint_eq(config.sqpoll_cpus[0], 7 << 4);
	ck_assert_uint_eq(config.sqpoll_cpus[15], UINT64_C(1) << 63);
	ck_assert_uint_eq(config.cpus[0], 15);
	ck_assert_uint_eq(config.cpus[1], 1);
	ck_assert_uint_eq(config.busy_poll_us, 50);
	ck_assert_uint_eq(config.coalesce_us, 1000);
	ck_assert_uint_eq(config.max_connections, 1000);
	ck_assert_uint_eq(config.buffer_memory, UINT64_C(5) << 30);
	ck_assert_uint_eq(config.buffer_size, 4096);
	ck_assert_uint_eq(config.drain_timeout_ms, 0);
	ck_assert_uint_eq(config.drain_announce_ms, 5000);
	ck_assert_str_eq(config.without, "recv-bundle napi send-zc");
	ck_assert_int_eq(config.level, CONFIG_LEVEL_DEBUG);
	ck_assert_int_eq(config.access, CONFIG_ACCESS_FILE);
	ck_assert_str_eq(config.access_path, "/var/log/access");
	ck_assert_int_eq(config.format, CONFIG_FORMAT_JSON);
	config_done(&config);
}
END_TEST

START_TEST(defaults_hold_for_sections_before_and_after_them_that_say_nothing_else)
{
	struct config config = config_of("[echo before]\nlisten = 1\n"
					 "[defaults]\nidle_timeout = 90s\nbacklog = 7\n"
					 "[echo after]\nlisten = 2\nidle_timeout = 1h30min\n");

	ck_assert_uint_eq(config.sections[0].settings.idle_timeout_ms, 90000);
	ck_assert_uint_eq(config.sections[0].settings.backlog, 7);
	ck_assert_uint_eq(config.sections[1].settings.idle_timeout_ms, 5400000);
	ck_assert_uint_eq(config.sections[1].settings.backlog, 7);
	config_done(&config);
}
END_TEST

START_TEST(a_section_can_go_back_to_what_defaults_changed)
{
	struct config config = config_of("[defaults]\nidle_timeout = 90s\n"
					 "[echo]\nlisten = 1\nidle_timeout = 1h\n");

	ck_assert_uint_eq(config.sections[0].settings.idle_timeout_ms, 3600000);
	config_done(&config);
}
END_TEST

START_TEST(the_line_that_governs_a_timeout_is_known)
{
	struct config config = config_of("[defaults]\nidle_timeout = 90s\n"
					 "[proxy web]\nlisten = 80\nserver = 127.0.0.1:1\n"
					 "connect_timeout = 2s\n");
	const struct config_section *section = &config.sections[0];
	char text[CONFIG_EXPLAIN_MAX];

	ck_assert_str_eq(config_explain(&config, section, "idle_timeout", text, sizeof(text)),
			 "idle_timeout = 1min30s, [defaults] line 2");
	ck_assert_str_eq(config_explain(&config, section, "connect_timeout", text, sizeof(text)),
			 "connect_timeout = 2s, [proxy web] line 6");
	ck_assert_str_eq(config_explain(&config, section, "half_close_timeout", text, sizeof(text)),
			 "half_close_timeout = 5min, the default");
	ck_assert_str_eq(config_explain(&config, NULL, "workers", text, sizeof(text)),
			 "workers = auto, the default");
	config_done(&config);
}
END_TEST

START_TEST(keys_and_kinds_are_the_same_in_any_case_and_with_any_dashes)
{
	struct config config =
		config_of("[GLOBAL]\nMax-Connections = 5\n"
			  "[Echo Web]\nlisten = 7\nIdleTimeout = 1s\nmax_LIFETIME=2s\n");

	ck_assert_uint_eq(config.max_connections, 5);
	ck_assert_str_eq(config.sections[0].title, "[echo Web]");
	ck_assert_uint_eq(config.sections[0].settings.idle_timeout_ms, 1000);
	ck_assert_uint_eq(config.sections[0].settings.max_lifetime_ms, 2000);
	config_done(&config);
}
END_TEST

START_TEST(an_empty_value_drops_the_list_so_far)
{
	struct config config = config_of("[echo]\nlisten = 1\nlisten = 2\nlisten =\nlisten = 3\n");

	ck_assert_uint_eq(config.sections[0].listen_count, 1);
	ck_assert_str_eq(config.sections[0].listens[0].text, "3");
	config_done(&config);
}
END_TEST

START_TEST(numbers_of_every_type_are_taken_in_all_their_forms)
{
	static const struct {
		const char *key, *value;
		size_t offset;
		uint32_t is;
	} cases[] = {
#define IS(key, value, field, is) {key, value, offsetof(struct config_settings, field), is}
		IS("idle_timeout", "500ms", idle_timeout_ms, 500),
		IS("idle_timeout", "30s", idle_timeout_ms, 30000),
		IS("idle_timeout", "5min", idle_timeout_ms, 300000),
		IS("idle_timeout", "5m", idle_timeout_ms, 300000),
		IS("idle_timeout", "1 h 30 min", idle_timeout_ms, 5400000),
		IS("idle_timeout", "1d", idle_timeout_ms, 86400000),
		IS("idle_timeout", "1w", idle_timeout_ms, 604800000),
		IS("idle_timeout", "90", idle_timeout_ms, 90000),
		IS("idle_timeout", "2000us", idle_timeout_ms, 2),
		IS("idle_timeout", "0", idle_timeout_ms, 0),
		IS("idle_timeout", "0s", idle_timeout_ms, 0),
		IS("idle_timeout", "off", idle_timeout_ms, 0),
		IS("idle_timeout", "Never", idle_timeout_ms, 0),
		IS("idle_timeout", "none", idle_timeout_ms, 0),
		IS("idle_timeout", "infinity", idle_timeout_ms, 0),
		IS("keepalive", "1min", keepalive_ms, 60000),
		IS("max_lifetime_jitter", "25%", max_lifetime_jitter, 25),
		IS("max_lifetime_jitter", "25", max_lifetime_jitter, 25),
		IS("max_connections", "100", max_connections, 100),
		IS("max_connections", "off", max_connections, 0),
		IS("max_connections", "0", max_connections, 0),
		IS("receive_budget", "65536", receive_budget, 65536),
		IS("receive_budget", "64K", receive_budget, 65536),
		IS("receive_budget", "64 KiB", receive_budget, 65536),
		IS("receive_budget", "1m", receive_budget, 1 << 20),
		IS("idle_if_alive", "close", idle_if_alive, CONFIG_IF_ALIVE_CLOSE),
#undef IS
	};
	for (size_t i = 0; i < array_size(cases); i++) {
		char text[200];

		snprintf(text, sizeof(text), "[echo]\nlisten = 7\n%s = %s\n", cases[i].key,
			 cases[i].value);
		struct config config = config_of(text);
		const char *settings = (const char *)&config.sections[0].settings;
		ck_assert_msg(*(const uint32_t *)(settings + cases[i].offset) == cases[i].is,
			      "%s = %s gave %u", cases[i].key, cases[i].value,
			      *(const uint32_t *)(settings + cases[i].offset));
		config_done(&config);
	}
}
END_TEST

/* Every word of every key that has words, so that no enum and its words drift apart. */
START_TEST(words_are_read_as_the_enum_of_the_same_name)
{
	static const struct {
		const char *word;
		enum config_relay relay;
	} relays[] = {
		{"auto", CONFIG_RELAY_AUTO},
		{"copy", CONFIG_RELAY_COPY},
		{"splice", CONFIG_RELAY_SPLICE},
		{"zerocopy", CONFIG_RELAY_ZEROCOPY},
	};
	static const struct {
		const char *word;
		enum config_auto sqpoll;
	} autos[] = {
		{"auto", CONFIG_AUTO}, {"on", CONFIG_ON},     {"off", CONFIG_OFF},
		{"true", CONFIG_ON},   {"no", CONFIG_OFF},    {"1", CONFIG_ON},
		{"0", CONFIG_OFF},     {"FALSE", CONFIG_OFF},
	};
	char text[200];

	for (size_t i = 0; i < array_size(relays); i++) {
		snprintf(text, sizeof(text),
			 "[proxy]\nlisten = 1\nserver = 127.0.0.1:2\nrelay = %s\n", relays[i].word);
		struct config config = config_of(text);
		ck_assert_int_eq((int)config.sections[0].settings.relay, (int)relays[i].relay);
		config_done(&config);
	}
	for (size_t i = 0; i < array_size(autos); i++) {
		snprintf(text, sizeof(text), "[global]\nsqpoll = %s\n" ECHO, autos[i].word);
		struct config config = config_of(text);
		ck_assert_int_eq((int)config.sqpoll, (int)autos[i].sqpoll);
		config_done(&config);
	}
}
END_TEST

START_TEST(the_control_socket_is_in_the_directory_that_systemd_gives)
{
	struct config config;

	unsetenv("RUNTIME_DIRECTORY");
	config = config_of(ECHO);
	ck_assert_uint_eq(config.control.listen_count + config.metrics.listen_count, 0);
	config_done(&config);

	setenv("RUNTIME_DIRECTORY", "/run/proxy:/run/other", 1);
	config = config_of(ECHO "[metrics]\nlisten = 127.0.0.1:9099\nlisten = [::1]:9099\n");
	ck_assert_uint_eq(config.control.listen_count, 1);
	ck_assert_str_eq(config.control.listens[0].text, "unix:/run/proxy/control.sock");
	ck_assert_uint_eq(config.control.listens[0].mode, 0660);
	ck_assert(!config.control.listens[0].read_only);
	ck_assert_uint_eq(config.metrics.listen_count, 2);
	config_done(&config);

	config = config_of(ECHO "[control]\nlisten = OFF\n");
	ck_assert_uint_eq(config.control.listen_count, 0);
	config_done(&config);

	config = config_of(ECHO "[control]\nlisten = unix:/run/c.sock mode=0600 read_only\n"
				"listen = systemd:control\n");
	ck_assert_uint_eq(config.control.listen_count, 2);
	ck_assert_uint_eq(config.control.listens[0].mode, 0600);
	ck_assert(config.control.listens[0].read_only && !config.control.listens[1].read_only);
	config_done(&config);
}
END_TEST

/* The warnings about a text without mistakes. */
static unsigned warnings_of(const char *text, char *first, size_t size)
{
	struct report report;
	struct config config;
	unsigned count;

	ck_assert_int_eq(config_parse(&config, "t", text, strlen(text), &report), 0);
	count = (unsigned)report.found[REPORT_WARNING];
	snprintf(first, size, "%s", report.count ? report.lines[0].text : "");
	config_done(&config);
	report_done(&report);
	return count;
}

START_TEST(metrics_that_others_can_reach_are_warned_of)
{
	static const char *const reached[] = {"9099", "0.0.0.0:9099", "192.0.2.1:9099",
					      "[::2]:9099"};
	static const char *const kept[] = {"127.0.0.1:9099",   "127.9.9.9:1",     "[::1]:9099",
					   "unix:/run/m.sock", "systemd:metrics", "off"};
	char text[200], first[300];

	for (size_t i = 0; i < array_size(reached); i++) {
		snprintf(text, sizeof(text), ECHO "[metrics]\nlisten = %s\n", reached[i]);
		ck_assert_uint_eq(warnings_of(text, first, sizeof(first)), 1);
		ck_assert_msg(!strncmp(first, "t:4: [metrics] listen: ", 23), "%s", first);
	}
	for (size_t i = 0; i < array_size(kept); i++) {
		snprintf(text, sizeof(text), ECHO "[metrics]\nlisten = %s\n", kept[i]);
		ck_assert_msg(!warnings_of(text, first, sizeof(first)), "%s", first);
	}
}
END_TEST

START_TEST(what_is_printed_as_effective_reads_as_the_same_configuration)
{
	struct config config =
		config_of("[global]\nworkers = 3\ncpus = 1-2,9\nwithout = napi\n"
			  "busy_poll = 1ms\nbuffer_memory = 1536K\n"
			  "[log]\naccess = /var/log/a\n"
			  "[defaults]\nmax_lifetime = 90061001ms\nkeepalive = 1min\n"
			  "[proxy a]\nlisten = 80\nlisten = systemd:x\n"
			  "listen = 127.0.0.1:5-6 freebind\nlisten = unix:/s mode=0600  group=0\n"
			  "server = unix:@u\nidle_if_alive = keep\n"
			  "max_lifetime_jitter = 10\n"
			  "[responder]\nlisten = [::1]:1\nsize = 0\nmax_lifetime = 0\n");
	char *first = NULL, *second = NULL;
	size_t first_size, second_size;
	FILE *out = open_memstream(&first, &first_size);

	config_print_effective(&config, out);
	fclose(out);
	config_done(&config);
	ck_assert_ptr_nonnull(
		strstr(first, "\nmax_lifetime        = 1d1h1min1s1ms      ; t:10 [defaults]\n"));
	ck_assert_ptr_nonnull(strstr(first, "\nworkers             = 3                  ; t:2\n"));
	ck_assert_ptr_nonnull(
		strstr(first, "\nsqpoll              = auto               ; default\n"));

	config = config_of(first);
	out = open_memstream(&second, &second_size);
	config_print_effective(&config, out);
	fclose(out);
	config_done(&config);

	/* apart from where the values come from, which is the first text now */
	char *rest_a, *rest_b, *a = strtok_r(first, "\n", &rest_a);
	char *b = strtok_r(second, "\n", &rest_b);
	while (a && b) {
		a[strcspn(a, ";")] = 0;
		b[strcspn(b, ";")] = 0;
		ck_assert_str_eq(a, b);
		a = strtok_r(NULL, "\n", &rest_a);
		b = strtok_r(NULL, "\n", &rest_b);
	}
	ck_assert(!a && !b);
	free(first);
	free(second);
}
END_TEST

SUITE("config", the_control_socket_is_in_the_directory_that_systemd_gives,
      metrics_that_others_can_reach_are_warned_of, what_is_not_set_has_its_default,
      every_kind_of_section_is_read_with_its_name_and_its_addresses, global_and_log_are_read,
      defaults_hold_for_sections_before_and_after_them_that_say_nothing_else,
      a_section_can_go_back_to_what_defaults_changed, the_line_that_governs_a_timeout_is_known,
      keys_and_kinds_are_the_same_in_any_case_and_with_any_dashes,
      an_empty_value_drops_the_list_so_far, numbers_of_every_type_are_taken_in_all_their_forms,
      words_are_read_as_the_enum_of_the_same_name,
      what_is_printed_as_effective_reads_as_the_same_configuration)
