/* What is said about a configuration that is wrong: every mistake, with its line and a remedy. */
#include "config/reader.h"
#include "support/config_text.h"

#include <stdlib.h>

#define ECHO "[echo]\nlisten = 127.0.0.1:7\n"

START_TEST(every_mistake_is_reported_in_one_run_in_the_order_of_the_file)
{
	ck_assert_config_mistakes(
		"[global]\nworkers = lots\nbusy_poll = 2ms\n"
		"[prxy web]\nlisten = 70000\n"
		"[proxy db]\nlisten = 1\nsever = 127.0.0.1:2\n",
		"t:2: [global] workers: \"lots\" is not a whole number (1..1024 or auto)\n"
		"t:3: [global] busy_poll: \"2ms\" is outside 1us..1ms or off\n"
		"t:4: there is no section [prxy]; did you mean [proxy]?\n"
		"t:5: [proxy web] listen: \"70000\": the port is outside 1..65535\n"
		"t:6: [proxy db] no server to connect to; write for example server = "
		"127.0.0.1:9000\n"
		"t:8: [proxy db] sever: no such key; did you mean server?\n");
}
END_TEST

/* ---- the traps of inih 55 ---- */

START_TEST(a_line_of_more_than_200_bytes_is_read_whole)
{
	char text[5000];
	struct config config;

	snprintf(text, sizeof(text), "[log]\naccess = /%0*d/x\n" ECHO, 3900, 0);
	config = config_of(text);
	ck_assert_uint_eq(strlen(config.access_path), 1 + 3900 + 2);
	config_done(&config);
}
END_TEST

START_TEST(a_line_of_more_than_4000_bytes_is_refused_not_split)
{
	char text[9000];

	snprintf(text, sizeof(text), "[log]\naccess = /%0*d\n" ECHO, 4000 - 10, 0);
	ck_assert_config_mistakes(text, "");
	/* split after 4000 bytes, the rest would be the key of another line */
	snprintf(text, sizeof(text), "[log]\naccess = /%0*dlevel = debug\n" ECHO, 4000 - 10, 0);
	ck_assert_config_mistakes(text, "t:2: [log] the line is 4013 bytes long; the most that can "
					"be read is 4000\n");
}
END_TEST

START_TEST(a_comment_of_more_than_4000_bytes_is_refused_too)
{
	char text[9000];

	snprintf(text, sizeof(text), ECHO "# %0*d\n", 5000, 0);
	ck_assert_config_mistakes(text, "t:3: [echo] the line is 5002 bytes long; the most that "
					"can be read is 4000\n");
}
END_TEST

START_TEST(an_indented_line_does_not_continue_the_one_before)
{
	struct config config = config_of("[echo]\n  listen = 1\n\tlisten = 2\n   backlog = 3\n");

	ck_assert_uint_eq(config.sections[0].listen_count, 2);
	ck_assert_uint_eq(config.sections[0].settings.backlog, 3);
	config_done(&config);

	ck_assert_config_mistakes(ECHO "  127.0.0.1:8\n",
				  "t:3: [echo] \"127.0.0.1:8\" has no \"=\"; write KEY = VALUE\n");
}
END_TEST

START_TEST(an_empty_section_is_seen)
{
	ck_assert_config_mistakes("[echo]\n", "t:1: [echo] nothing to listen on; write for example "
					      "listen = 127.0.0.1:8080\n");
	ck_assert_config_mistakes("[global]\n[log]\n[defaults]\n" ECHO, "");
}
END_TEST

START_TEST(a_section_that_begins_again_is_refused_with_both_lines)
{
	ck_assert_config_mistakes(
		"[proxy web]\nlisten = 1\nserver = 127.0.0.1:2\n" ECHO
		"[proxy web]\nlisten = 3\nbaklog = 1\n"
		"[global]\n[global]\n",
		"t:6: [proxy web] has begun before, at line 1; join the two or give "
		"each a name of its "
		"own\n"
		"t:8: [proxy web] baklog: no such key; did you mean backlog?\n"
		"t:10: [global] has begun before, at line 9; join the two\n");
}
END_TEST

START_TEST(a_section_without_a_name_is_the_one_with_the_kind_for_a_name)
{
	ck_assert_config_mistakes(
		ECHO "[echo echo]\nlisten = 8\n",
		"t:3: [echo echo] has begun before, at line 1 (without a name it is "
		"called by its kind); join the two or give each a name of its own\n");
}
END_TEST

START_TEST(the_same_name_may_be_had_by_sections_of_two_kinds)
{
	ck_assert_config_mistakes("[echo a]\nlisten = 1\n[discard a]\nlisten = 2\n", "");
}
END_TEST

/* inih cuts the name at 49 bytes: these two would be one section. */
START_TEST(an_over_long_section_name_is_refused_not_cut)
{
	char text[300];

	snprintf(text, sizeof(text), "[echo %0*da]\nlisten = 1\n[echo %0*d]\nlisten = 2\n", 40, 0,
		 40, 0);
	ck_assert_config_mistakes(
		text, "t:1: the section's name "
		      "\"0000000000000000000000000000000000000000a...\" is 41 bytes long; "
		      "the most is 40\n");
}
END_TEST

START_TEST(a_scalar_key_that_is_set_twice_is_refused_with_the_first_line)
{
	ck_assert_config_mistakes(
		ECHO "backlog = 1\nback-log = 2\n",
		"t:4: [echo] backlog: is set before, at line 3; keep one of the two\n");
	ck_assert_config_mistakes(
		"[global]\nworkers = 0\nworkers = 2\n" ECHO,
		"t:2: [global] workers: \"0\" is outside 1..1024 or auto\n"
		"t:3: [global] workers: is set before, at line 2; keep one of the two\n");
}
END_TEST

START_TEST(a_bracket_that_is_not_closed_is_refused)
{
	ck_assert_config_mistakes(
		"[proxy web\nlisten = 1\nserver = 127.0.0.1:2\n",
		"t:1: \"[proxy web\" has no closing bracket; write [proxy web]\n");
	ck_assert_config_mistakes(ECHO "[::1:80\n",
				  "t:3: \"[::1:80\" has no closing bracket; write [::1:80]\n");
	ck_assert_config_mistakes(
		ECHO "listen = [::1:80\n",
		"t:3: [echo] listen: \"[::1:80\": the bracket is not closed; write "
		"for example [::1]:80\n");
	ck_assert_config_mistakes(
		"[echo] listen = 7\n",
		"t:1: \"listen = 7\" follows the section's closing bracket; it belongs on a line "
		"of "
		"its own\n"
		"t:1: [echo] nothing to listen on; write for example listen = 127.0.0.1:8080\n");
}
END_TEST

/* inih takes ':' for '=': this would set the key "listen [". */
START_TEST(a_colon_does_not_separate_key_and_value)
{
	ck_assert_config_mistakes(
		ECHO "listen [::1]:80\n",
		"t:3: [echo] \"listen [::1]:80\" has no \"=\" after the key; write "
		"listen = [::1]:80\n");
	ck_assert_config_mistakes(ECHO "backlog: 5\n",
				  "t:3: [echo] \"backlog: 5\" has no \"=\" after the key; write "
				  "backlog = 5\n");
	ck_assert_config_mistakes(ECHO "backlog : x = 5\n",
				  "t:3: [echo] \"backlog : x \" is not a key; a key is one word of "
				  "letters, digits, \"_\" and \"-\"\n");
}
END_TEST

START_TEST(a_nul_byte_does_not_hide_what_follows)
{
	static const char text[] = "[echo]\nlisten = 1\0\nbaklog = 2\n";

	ck_assert_str_eq(
		config_mistakes_of(text, sizeof(text) - 1),
		"t:1: [echo] nothing to listen on; write for example listen = "
		"127.0.0.1:8080\n"
		"t:2: [echo] byte 11 of the line is NUL; this has to be a text file (UTF-8 "
		"without NUL bytes)\n"
		"t:3: [echo] baklog: no such key; did you mean backlog?\n");
}
END_TEST

START_TEST(a_control_character_is_refused)
{
	ck_assert_config_mistakes(ECHO "backlog = 1\033[2J\n",
				  "t:3: [echo] byte 12 of the line is the control character 0x1b; "
				  "remove it\n");
	ck_assert_config_mistakes("[echo]\rlisten = 7\r",
				  "t:1: byte 7 of the line is the control character 0x0d; remove "
				  "it\n");
}
END_TEST

START_TEST(line_ends_of_another_system_and_a_byte_order_mark_are_taken)
{
	struct config config =
		config_of("\xef\xbb\xbf[echo]\r\nlisten = 127.0.0.1:7\r\n\r\nbacklog = 5\r\n");

	ck_assert_str_eq(config.sections[0].listens[0].text, "127.0.0.1:7");
	ck_assert_uint_eq(config.sections[0].settings.backlog, 5);
	config_done(&config);
	ck_assert_config_mistakes(
		"\xef\xbb\xbfworkers = 1\n[echo]\nlisten = 1\n",
		"t:1: workers: stands before the first section; write for example "
		"[proxy web] above it\n");
}
END_TEST

START_TEST(the_last_line_needs_no_end)
{
	struct config config = config_of("[echo]\nlisten = 127.0.0.1:7");

	ck_assert_str_eq(config.sections[0].listens[0].text, "127.0.0.1:7");
	config_done(&config);
}
END_TEST

START_TEST(both_characters_begin_a_comment_at_the_start_and_after_a_blank)
{
	struct config config =
		config_of("; one\n# two\n  # three\n[echo] ; four\n"
			  "listen = 1 # five\nlisten = 2\t; six\nlisten = unix:/a;b#c\n");

	ck_assert_uint_eq(config.sections[0].listen_count, 3);
	ck_assert_str_eq(config.sections[0].listens[0].text, "1");
	ck_assert_str_eq(config.sections[0].listens[1].text, "2");
	ck_assert_str_eq(config.sections[0].listens[2].text, "unix:/a;b#c");
	config_done(&config);
}
END_TEST

START_TEST(a_pair_of_quotation_marks_is_taken_off)
{
	struct config config =
		config_of("[echo]\nlisten = \"1\"\nlisten = '2'\nbacklog = \" 3 \"\n");

	ck_assert_str_eq(config.sections[0].listens[0].text, "1");
	ck_assert_str_eq(config.sections[0].listens[1].text, "2");
	ck_assert_uint_eq(config.sections[0].settings.backlog, 3);
	config_done(&config);
	ck_assert_config_mistakes(ECHO "backlog = \"3\n",
				  "t:3: [echo] backlog: the quotation mark is not closed; values "
				  "need none, and \" ;\" or \" #\" begins a comment even between "
				  "them\n");
	ck_assert_config_mistakes(ECHO "backlog = \"\n",
				  "t:3: [echo] backlog: the quotation mark is not closed; values "
				  "need none, and \" ;\" or \" #\" begins a comment even between "
				  "them\n");
}
END_TEST

START_TEST(a_line_that_is_no_assignment_is_refused)
{
	ck_assert_config_mistakes(
		ECHO "backlog\nbacklog 5\n= 5\nback log = 5\n",
		"t:3: [echo] \"backlog\" has no \"=\"; write KEY = VALUE\n"
		"t:4: [echo] \"backlog 5\" has no \"=\" after the key; write backlog = 5\n"
		"t:5: [echo] \"= 5\" has no key before the \"=\"\n"
		"t:6: [echo] \"back log \" is not a key; a key is one word of letters, digits, "
		"\"_\" "
		"and \"-\"\n");
}
END_TEST

/* ---- sections and keys ---- */

START_TEST(a_file_without_a_section_that_listens_is_refused)
{
	static const char remedy[] = "t: has no section that listens; write for example [echo] and "
				     "below it listen = 127.0.0.1:7007\n";

	ck_assert_config_mistakes("", remedy);
	ck_assert_config_mistakes("\n# nothing\n\n", remedy);
	ck_assert_config_mistakes("[global]\nworkers = 2\n", remedy);
}
END_TEST

START_TEST(a_key_before_the_first_section_is_refused)
{
	ck_assert_config_mistakes("listen = 80\n" ECHO,
				  "t:1: listen: stands before the first section; write for example "
				  "[proxy web] above it\n");
}
END_TEST

START_TEST(a_control_socket_is_a_unix_socket_that_not_everybody_may_use)
{
	ck_assert_config_mistakes(
		ECHO "[control]\nlisten = 127.0.0.1:9000\nlisten = unix:@control\n"
		     "listen = unix:/run/c.sock mode=0666\nlisten = unix:/run/c.sock freebind\n"
		     "listen = unix:/run/c.sock backlog=3\nlisten = unix:/run/d.sock read_only=1\n",
		"t:4: [control] listen: \"127.0.0.1:9000\": the daemon is controlled by a unix "
		"socket only, as in unix:/run/uringproxy/control.sock; from another machine reach "
		"it by `ssh -L 9000:/run/uringproxy/control.sock HOST`\n"
		"t:5: [control] listen: \"unix:@control\": anybody may connect to what is in the "
		"abstract name space; write a path\n"
		"t:6: [control] listen: \"unix:/run/c.sock mode=0666\": mode=0666 lets everybody "
		"on "
		"this machine control the daemon; write mode=0660, and group= for those who may\n"
		"t:7: [control] listen: \"unix:/run/c.sock freebind\": freebind has no use here: "
		"it "
		"is for an IPv4 or IPv6 address\n"
		"t:8: [control] listen: \"unix:/run/c.sock backlog=3\": backlog has no use here: "
		"it is for sections that serve clients\n"
		"t:9: [control] listen: \"unix:/run/d.sock read_only=1\": read_only takes no "
		"value\n");
	ck_assert_config_mistakes(
		"[echo]\nlisten = unix:/run/e.sock read_only\n",
		"t:2: [echo] listen: \"unix:/run/e.sock read_only\": read_only has "
		"no use here: it is for the sockets of [control]\n");
}
END_TEST

START_TEST(what_is_asked_has_listen_lines_and_no_other_key)
{
	ck_assert_config_mistakes(ECHO
				  "[control x]\nlisten = off\nlevel = info\nidle_timeout = 1\n",
				  "t:3: [control] takes no name; \"x\" has to go\n"
				  "t:5: [control] level: has no meaning here; it belongs in [log]\n"
				  "t:6: [control] idle_timeout: has no meaning here; it belongs in "
				  "[defaults] [proxy] [echo] [discard] [chargen] [responder]\n");
	ck_assert_config_mistakes(ECHO
				  "[metrics]\nlisten = off\nlisten = 127.0.0.1:9099\n[metrics]\n",
				  "t:5: [metrics] listen: line 4 says off; keep one of the two\n"
				  "t:6: [metrics] has begun before, at line 3; join the two\n");
	ck_assert_config_mistakes(ECHO "[metrics]\nlisten = 127.0.0.1:9099\nlisten = off\n",
				  "t:5: [metrics] listen: line 4 says an address; keep one of the "
				  "two\n");
	ck_assert_config_mistakes(
		ECHO "[metrics]\nlisten = 127.0.0.1:7\nlisten = host.example:1\n"
		     "listen = 127.0.0.1:1-2\n[metric]\n",
		"t:4: [metrics] listen: \"127.0.0.1:7\" is taken by [echo] at t:2 "
		"(\"127.0.0.1:7\"); one of the two has to go\n"
		"t:5: [metrics] listen: \"host.example:1\": takes an address, not a name\n"
		"t:6: [metrics] listen: \"127.0.0.1:1-2\": takes one port, not a range\n"
		"t:7: there is no section [metric]; did you mean [metrics]?\n"
		"t:7: [metrics] has begun before, at line 3; join the two\n");
}
END_TEST

START_TEST(an_unknown_section_is_refused)
{
	ck_assert_config_mistakes(
		"[tunnel x]\nanything = 1\n[]\n" ECHO,
		"t:1: there is no section [tunnel]; there are [global], [log], "
		"[control], [metrics], [defaults] and, "
		"each "
		"with a name, [proxy], [pool], [echo], [discard], [chargen] and [responder]\n"
		"t:3: the brackets are empty; write for example [proxy web]\n");
	ck_assert_config_mistakes(ECHO "[defualts]\nbaklog = 5\n",
				  "t:3: there is no section [defualts]; did you mean [defaults]?\n"
				  "t:4: [defaults] baklog: no such key; did you mean backlog?\n");
}
END_TEST

START_TEST(a_name_is_one_word_and_not_for_every_section)
{
	ck_assert_config_mistakes(
		"[echo a b]\nlisten = 1\n[echo \"a\"]\nlisten = 2\n[log x]\n",
		"t:1: \"a b\" cannot be a section's name; it is one word of letters, digits, "
		"\"_\", "
		"\".\" and \"-\"\n"
		"t:3: \"\"a\"\" cannot be a section's name; it is one word of letters, digits, "
		"\"_\", \".\" and \"-\"\n"
		"t:5: [log] takes no name; \"x\" has to go\n");
}
END_TEST

START_TEST(a_key_in_the_wrong_section_is_told_where_it_belongs)
{
	ck_assert_config_mistakes(
		ECHO
		"relay = copy\nworkers = 2\nserver = 127.0.0.1:1\n"
		"[global]\nidle_timeout = 1s\nlisten = 80\n[defaults]\nlevel = info\nsize = 1\n",
		"t:3: [echo] relay: has no meaning here; it belongs in [defaults] [proxy]\n"
		"t:4: [echo] workers: has no meaning here; it belongs in [global]\n"
		"t:5: [echo] server: has no meaning here; it belongs in [proxy] [pool]\n"
		"t:7: [global] idle_timeout: has no meaning here; it belongs in [defaults] [proxy] "
		"[echo] [discard] [chargen] [responder]\n"
		"t:8: [global] listen: has no meaning here; it belongs in [proxy] [echo] [discard] "
		"[chargen] [responder]\n"
		"t:10: [defaults] level: has no meaning here; it belongs in [log]\n"
		"t:11: [defaults] size: has no meaning here; it belongs in [responder]\n");
}
END_TEST

START_TEST(an_unknown_key_is_met_with_what_may_have_been_meant)
{
	ck_assert_config_mistakes(
		ECHO "lsiten = 1\nidletimeot = 1s\nbind = 1\nmaxconn = 5\nxyzzy = 1\n",
		"t:3: [echo] lsiten: no such key; did you mean listen?\n"
		"t:4: [echo] idletimeot: no such key; did you mean idle_timeout?\n"
		"t:5: [echo] bind: no such key; did you mean listen?\n"
		"t:6: [echo] maxconn: no such key; did you mean max_connections?\n"
		"t:7: [echo] xyzzy: no such key; uringproxy.conf(5) has them all\n");
}
END_TEST

START_TEST(a_very_long_key_is_an_unknown_key)
{
	char text[3000];

	snprintf(text, sizeof(text), ECHO "a%0*d = 1\n", 2000, 0);
	ck_assert_config_mistakes(text,
				  "t:3: [echo] "
				  "a00000000000000000000000000000000000000000000000000000000000: "
				  "no such key; uringproxy.conf(5) has them all\n");
}
END_TEST

/* ---- values ---- */

START_TEST(a_value_that_is_wrong_is_met_with_what_would_be_right)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"deny = 10.1.2.3/8", "\"10.1.2.3/8\": has bits set behind its prefix; the network "
				      "is 10.0.0.0/8, and the address alone 10.1.2.3"},
		{"allow = uid:root", "\"uid:root\": after uid: comes the number of a user; `id -u "
				     "root` tells it"},
		{"allow = any", "\"any\": every address is written: all"},
		{"deny = file:drop.txt", "\"file:drop.txt\": after file: comes a path that begins "
					 "with /, of a file with an address or a network on each "
					 "line"},
		{"reject = no", "\"no\" is not one of: rst, fin, drop"},
		{"idle_timeout =", "has no value; remove the line to have the default"},
		{"idle_timeout = soon", "\"soon\" is not a time; write for example 500ms, 30s or "
					"1h30min (1ms..30d or off)"},
		{"idle_timeout = 3 parsecs",
		 "\"3 parsecs\" has a number without a known unit; they "
		 "are us, ms, s, min, h, d and w (1ms..30d or off)"},
		{"idle_timeout = 1h30", "\"1h30\" has a number without a known unit; they are us, "
					"ms, s, min, h, d and w (1ms..30d or off)"},
		{"idle_timeout = 1.5h", "\"1.5h\" has a number without a known unit; they are us, "
					"ms, s, min, h, d and w (1ms..30d or off)"},
		{"idle_timeout = -1s", "\"-1s\" is not a time; write for example 500ms, 30s or "
				       "1h30min (1ms..30d or off)"},
		{"idle_timeout = 1500us",
		 "\"1500us\" is finer than a millisecond (1ms..30d or off)"},
		{"idle_timeout = 31d", "\"31d\" is outside 1ms..30d or off"},
		{"idle_timeout = 99999999999999999999",
		 "\"99999999999999999999\" is too large (1ms..30d or off)"},
		{"idle_timeout = 9999999999999999999w",
		 "\"9999999999999999999w\" is too large (1ms..30d or off)"},
		{"keepalive = 1500ms", "\"1500ms\" is finer than a second (1s..9h or off)"},
		{"max_lifetime_jitter = 91%", "\"91%\" is outside 1%..90% or off"},
		{"backlog = 0", "\"0\" is outside 1..65535"},
		{"backlog = off", "\"off\" is not a whole number (1..65535)"},
		{"backlog = 0x10", "\"0x10\" is not a whole number (1..65535)"},
		{"backlog = +5", "\"+5\" is not a whole number (1..65535)"},
		{"receive_budget = 1K", "\"1K\" is outside 16K..64M"},
		{"receive_budget = 64KB",
		 "\"64KB\" ends in an unknown unit; they are K, M, G and T, "
		 "powers of 1024 (16K..64M)"},
		{"receive_budget = K",
		 "\"K\" is not a size; write for example 16K, 1M or 2G (16K..64M)"},
		{"receive_budget = 99999999999999999T",
		 "\"99999999999999999T\" is too large (16K..64M)"},
		{"idle_if_alive = maybe", "\"maybe\" is not one of: keep, close"},
	};
	for (size_t i = 0; i < array_size(cases); i++) {
		char text[300], expected[500];

		snprintf(text, sizeof(text), ECHO "%s\n", cases[i].line);
		snprintf(expected, sizeof(expected), "t:3: [echo] %.*s: %s\n",
			 (int)strcspn(cases[i].line, " "), cases[i].line, cases[i].says);
		ck_assert_config_mistakes(text, expected);
	}
}
END_TEST

START_TEST(a_wrong_value_of_global_or_log_is_met_with_what_would_be_right)
{
	ck_assert_config_mistakes(
		"[global]\nworkers = 1025\nsqpoll = maybe\nsqpoll_idle = 0\nsqpoll_cpus = 1024\n"
		"cpus = 3-1\nbusy_poll = 50\nbuffer_memory = 1K\ndrain_timeout = 0\n"
		"without = napi=1\ndrain_announce = 2h\nring_sandbox = some\n"
		"[log]\nlevel = loud\naccess = file\nformat = xml\n" ECHO,
		"t:2: [global] workers: \"1025\" is outside 1..1024 or auto\n"
		"t:3: [global] sqpoll: \"maybe\" is not one of: auto, on, off\n"
		"t:4: [global] sqpoll_idle: \"0\" (a number alone is seconds) is outside "
		"1ms..1min\n"
		"t:5: [global] sqpoll_cpus: \"1024\" names a CPU outside 0..1023\n"
		"t:6: [global] cpus: \"3-1\" has a range that runs backwards\n"
		"t:7: [global] busy_poll: \"50\" (a number alone is seconds) is outside 1us..1ms "
		"or "
		"off\n"
		"t:8: [global] buffer_memory: \"1K\" is outside 1M..1T or auto\n"
		"t:9: [global] drain_timeout: \"0\" (a number alone is seconds) is outside 1ms..1d "
		"or "
		"infinity\n"
		"t:10: [global] without: \"napi=1\" is not the name of a feature; write for "
		"example "
		"recv-bundle recv-budget\n"
		"t:11: [global] drain_announce: \"2h\" is outside 1ms..1h or off\n"
		"t:12: [global] ring_sandbox: \"some\" is not one of: on, off\n"
		"t:14: [log] level: \"loud\" is not one of: error, warning, info, debug\n"
		"t:15: [log] access: \"file\" is not one of: off, stderr, journal, or a path that "
		"begins with /\n"
		"t:16: [log] format: \"xml\" is not one of: text, json, haproxy\n");
}
END_TEST

START_TEST(a_list_of_cpus_that_is_none_is_refused)
{
	static const char *const lists[] = {"x", "1,", ",1", "1-", "1--2", "1;2", "0x1", "-1"};
	char text[200];

	for (size_t i = 0; i < array_size(lists); i++) {
		char expected[200];

		snprintf(text, sizeof(text), "[global]\ncpus = %s\n" ECHO, lists[i]);
		snprintf(expected, sizeof(expected),
			 "t:2: [global] cpus: \"%s\" is not a list of CPUs; write for example "
			 "0-3,6\n",
			 lists[i]);
		ck_assert_config_mistakes(text, expected);
	}
}
END_TEST

START_TEST(ports_0_and_65536_are_refused)
{
	ck_assert_config_mistakes(
		"[echo]\nlisten = 0\nlisten = 127.0.0.1:65536\n",
		"t:2: [echo] listen: \"0\": the port is outside 1..65535\n"
		"t:3: [echo] listen: \"127.0.0.1:65536\": the port is outside 1..65535\n");
}
END_TEST

START_TEST(an_address_takes_no_other_behind_it)
{
	ck_assert_config_mistakes(
		"[proxy]\nlisten = 80, 81\nserver = 127.0.0.1:1, 127.0.0.1:2\n",
		"t:2: [proxy] listen: \"80, 81\": takes an address only, without \", 81\"; for "
		"several addresses repeat the key\n"
		"t:3: [proxy] server: \"127.0.0.1:1, 127.0.0.1:2\": takes an address only, without "
		"\", 127.0.0.1:2\"; for several addresses repeat the key\n");
}
END_TEST

/* ---- what takes more than one line to see ---- */

START_TEST(a_proxy_needs_a_server_and_every_section_a_place_to_listen)
{
	ck_assert_config_mistakes(
		"[proxy a]\nserver = 127.0.0.1:1\n[proxy b]\nlisten = 1\n[echo]\nlisten = "
		"2\nlisten =\n",
		"t:1: [proxy a] nothing to listen on; write for example listen = 127.0.0.1:8080\n"
		"t:3: [proxy b] no server to connect to; write for example server = "
		"127.0.0.1:9000\n"
		"t:5: [echo] nothing to listen on; write for example listen = 127.0.0.1:8080\n");
}
END_TEST

START_TEST(an_address_is_listened_on_once_in_all_the_file)
{
	ck_assert_config_mistakes(
		"[echo]\nlisten = 127.0.0.1:7\n[discard]\nlisten = 9\nlisten = 127.0.0.1:7\n"
		"[chargen]\nlisten = 0.0.0.0:9\nlisten = [::]:9\nlisten = :9\nlisten = "
		"127.0.0.1:9\n"
		"[echo u]\nlisten = unix:@a\nlisten = unix:@a\nlisten = systemd:x\nlisten = "
		"systemd:x\n"
		"listen = localhost:1\nlisten = LocalHost:1\n",
		"t:5: [discard] listen: \"127.0.0.1:7\" is taken by [echo] at t:2 "
		"(\"127.0.0.1:7\"); "
		"one of the two has to go\n"
		"t:7: [chargen] listen: \"0.0.0.0:9\" is taken by [discard] at t:4 (\"9\"); one of "
		"the two has to go\n"
		"t:8: [chargen] listen: \"[::]:9\" is taken by [discard] at t:4 (\"9\"); one of "
		"the "
		"two has to go\n"
		"t:9: [chargen] listen: \":9\" is taken by [discard] at t:4 (\"9\"); one of the "
		"two "
		"has to go\n"
		"t:10: [chargen] listen: \"127.0.0.1:9\" is taken by [discard] at t:4 (\"9\"); "
		"one of the two has to go\n"
		"t:13: [echo u] listen: \"unix:@a\" is taken by [echo u] at t:12 (\"unix:@a\"); "
		"one "
		"of the two has to go\n"
		"t:15: [echo u] listen: \"systemd:x\" is taken by [echo u] at t:14 "
		"(\"systemd:x\"); "
		"one of the two has to go\n"
		"t:17: [echo u] listen: \"LocalHost:1\" is taken by [echo u] at t:16 "
		"(\"localhost:1\"); one of the two has to go\n");
}
END_TEST

START_TEST(a_proxy_does_not_connect_to_itself)
{
	ck_assert_config_mistakes(
		"[proxy a]\nlisten = 127.0.0.1:1\nserver = 127.0.0.1:1\nserver = 127.0.0.1:2\n"
		"[proxy b]\nlisten = 80\nserver = 127.0.0.1:80\nserver = [::1]:80\n"
		"server = 192.0.2.1:80\n"
		"[proxy c]\nlisten = unix:/s\nserver = unix:/s\n",
		"t:3: [proxy a] server: \"127.0.0.1:1\" is where this section listens, at t:2: it "
		"would connect to itself without end\n"
		"t:7: [proxy b] server: \"127.0.0.1:80\" is where this section listens, at t:6: "
		"it would connect to itself without end\n"
		"t:8: [proxy b] server: \"[::1]:80\" is where this section listens, at t:6: it "
		"would connect to itself without end\n"
		"t:12: [proxy c] server: \"unix:/s\" is where this section listens, at t:11: it "
		"would connect to itself without end\n");
}
END_TEST

START_TEST(a_port_of_every_address_leaves_none_of_its_family)
{
	ck_assert_config_mistakes("[echo]\nlisten = 0.0.0.0:1\nlisten = [::]:1\n"
				  "listen = 127.0.0.1:2\nlisten = [::]:2\n"
				  "listen = [::1]:3\nlisten = 127.0.0.1:3\n",
				  "");
	ck_assert_config_mistakes(
		"[echo]\nlisten = 127.0.0.1:1\nlisten = 0.0.0.0:1\n"
		"listen = [::]:2\n[discard]\nlisten = [::1]:2\nlisten = :1\n",
		"t:3: [echo] listen: \"0.0.0.0:1\" is taken by [echo] at t:2 (\"127.0.0.1:1\"); "
		"one "
		"of the two has to go\n"
		"t:6: [discard] listen: \"[::1]:2\" is taken by [echo] at t:4 (\"[::]:2\"); one of "
		"the two has to go\n"
		"t:7: [discard] listen: \":1\" is taken by [echo] at t:2 (\"127.0.0.1:1\"); one of "
		"the two has to go\n");
}
END_TEST

START_TEST(a_path_is_listened_on_once_however_it_is_written)
{
	ck_assert_config_mistakes("[echo]\nlisten = unix:/tmp/a\nlisten = unix:/tmp/../tmp/b\n",
				  "");
	ck_assert_config_mistakes(
		"[echo]\nlisten = unix:/tmp/a\nlisten = unix:/tmp/../tmp//a\n",
		"t:3: [echo] listen: \"unix:/tmp/../tmp//a\" is taken by [echo] at t:2 "
		"(\"unix:/tmp/a\"); one of the two has to go\n");
	ck_assert_config_mistakes(
		"[proxy]\nlisten = unix:/tmp/a\nserver = unix:/tmp/./a\n",
		"t:3: [proxy] server: \"unix:/tmp/./a\" is where this section listens, at t:2: it "
		"would connect to itself without end\n");
}
END_TEST

START_TEST(a_chain_of_proxies_does_not_come_back)
{
	/* It may be as long as it likes, and its end may be a service of ours. */
	ck_assert_config_mistakes("[proxy a]\nlisten = 1\nserver = 127.0.0.1:2\n"
				  "server = 127.0.0.1:3\n"
				  "[proxy b]\nlisten = 2\nserver = 127.0.0.1:3\n"
				  "[proxy c]\nlisten = 127.0.0.1:3\nserver = 127.0.0.1:4\n"
				  "server = 127.0.0.2:3\nserver = 192.0.2.1:1\n"
				  "[echo]\nlisten = 4\n",
				  "");
	ck_assert_config_mistakes(
		"[proxy a]\nlisten = 0.0.0.0:1\nserver = 127.0.0.1:2\n"
		"[proxy b]\nlisten = 127.0.0.1:2\nserver = 192.0.2.1:3\nserver = 127.9.9.9:1\n"
		"[proxy c]\nlisten = unix:@c\nserver = unix:@d\n"
		"[proxy d]\nlisten = unix:@d\nserver = unix:@e\n"
		"[proxy e]\nlisten = unix:@e\nserver = unix:@c\n",
		"t:7: [proxy b] server: \"127.9.9.9:1\" is where [proxy a] listens, at t:2, and "
		"its server \"127.0.0.1:2\" at t:3 leads back here: connections would go round "
		"without end\n"
		"t:16: [proxy e] server: \"unix:@c\" is where [proxy c] listens, at t:9, and its "
		"server \"unix:@d\" at t:10 leads back here: connections would go round without "
		"end\n");
}
END_TEST

/* ---- keys without effect ---- */

static const char *warnings_of(const char *text)
{
	static char said[4096];
	struct report report;
	struct config config;

	said[0] = 0;
	ck_assert_int_eq(config_parse(&config, "t", text, strlen(text), &report), 0);
	for (size_t i = 0; i < report.count; i++) {
		strcat(said, report.lines[i].text);
		strcat(said, "\n");
	}
	config_done(&config);
	report_done(&report);
	return said;
}

START_TEST(a_key_that_another_leaves_without_effect_is_a_warning)
{
	ck_assert_str_eq(
		warnings_of("[global]\nsqpoll = off\nsqpoll_cpus = 0\nsqpoll_idle = 1s\n"
			    "[echo]\nlisten = 1\nmax_lifetime_jitter = 10\n"
			    "[proxy]\nlisten = 2\nserver = 127.0.0.1:3\nrelay = copy\n"
			    "pipe_size = 1M\n"),
		"t:3: [global] sqpoll_cpus: has no effect: there are no polling threads with "
		"sqpoll = off\n"
		"t:4: [global] sqpoll_idle: has no effect: there are no polling threads with "
		"sqpoll = off\n"
		"t:7: [echo] max_lifetime_jitter: has no effect: it is a part of max_lifetime, "
		"which is off\n"
		"t:12: [proxy] pipe_size: has no effect: there are no pipes with this relay\n");
	ck_assert_str_eq(
		warnings_of("[defaults]\nmax_lifetime_jitter = 10\n[echo]\nlisten = 1\n"
			    "[discard]\nlisten = 2\n"),
		"t:2: [defaults] max_lifetime_jitter: has no effect: it is a part of max_lifetime, "
		"which is off\n");
	ck_assert_str_eq(
		warnings_of("[global]\nbusy_poll = 5us\ncoalesce = 100us\n[echo]\nlisten = 1\n"),
		"t:3: [global] coalesce: has no effect: nothing is waited for with sqpoll = on or "
		"busy_poll\n");
}
END_TEST

START_TEST(the_rates_and_the_time_of_a_request_are_checked)
{
	ck_assert_config_mistakes(
		ECHO "download_rate = 10M/s\nupload_rate = 100\n"
		     "[chargen]\nlisten = 2\nupload_rate = 3G\ndownload_rate = fast\n"
		     "[responder]\nlisten = 3\nrequest_timeout = 2h\n"
		     "[proxy]\nlisten = 4\nserver = 127.0.0.1:5\nrequest_timeout = 1s\n",
		"t:3: [echo] download_rate: \"10M/s\" ends in an unknown unit; they are K, M, G "
		"and "
		"T, powers of 1024 (1K..2G or off)\n"
		"t:4: [echo] upload_rate: \"100\" is outside 1K..2G or off\n"
		"t:7: [chargen] upload_rate: \"3G\" is outside 1K..2G or off\n"
		"t:8: [chargen] download_rate: \"fast\" is not a size; write for example 16K, 1M "
		"or 2G (1K..2G or off)\n"
		"t:11: [responder] request_timeout: \"2h\" is outside 1ms..1h or off\n"
		"t:15: [proxy] request_timeout: has no meaning here; it belongs in [defaults] "
		"[responder]\n");
	ck_assert_str_eq(warnings_of("[discard]\nlisten = 1\ndownload_rate = 1M\n"),
			 "t:3: [discard] download_rate: has no effect: nothing is said to its "
			 "clients\n");
	ck_assert_str_eq(warnings_of("[defaults]\ndownload_rate = 1M\nrequest_timeout = off\n"
				     "[discard]\nlisten = 1\n" ECHO),
			 "");
}
END_TEST

START_TEST(a_key_that_has_an_effect_somewhere_is_no_warning)
{
	ck_assert_str_eq(warnings_of("[defaults]\nmax_lifetime_jitter = 10\nrelay = copy\n"
				     "pipe_size = 1M\n[echo]\nlisten = 1\n[discard]\n"
				     "listen = 2\nmax_lifetime = 1h\n[proxy]\nlisten = 3\n"
				     "server = 127.0.0.1:4\nrelay = splice\n"),
			 "");
	/* Written out, a default is none either. */
	ck_assert_str_eq(warnings_of("[global]\nsqpoll = off\nsqpoll_cpus = auto\n"
				     "sqpoll_idle = 10ms\n[echo]\nlisten = 1\n"
				     "max_lifetime_jitter = off\n"),
			 "");
}
END_TEST

/* ---- options behind an address, and ranges of ports ---- */

START_TEST(a_range_of_ports_is_as_many_lines)
{
	struct config config = config_of("[echo]\nlisten = 127.0.0.1:8000-8002\nlisten = 90-91\n"
					 "listen = [::1]:5-5\nlisten = a-1.example:7-8 freebind\n");
	static const char *const texts[] = {
		"127.0.0.1:8000", "127.0.0.1:8001", "127.0.0.1:8002", ":90", ":91",
		"[::1]:5",        "a-1.example:7",  "a-1.example:8"};

	ck_assert_uint_eq(config.sections[0].listen_count, 8);
	for (size_t i = 0; i < 8; i++) {
		const struct config_endpoint *listen = &config.sections[0].listens[i];

		ck_assert_str_eq(listen->text, texts[i]);
		ck_assert_uint_eq(listen->line, i < 3 ? 2 : i < 5 ? 3 : i < 6 ? 4 : 5);
		ck_assert(listen->freebind == (i >= 6));
	}
	ck_assert_uint_eq(ntohs(config.sections[0].listens[2].address.u.in.sin_port), 8002);
	ck_assert_uint_eq(ntohs(config.sections[0].listens[4].address.u.in6.sin6_port), 91);
	config_done(&config);
	ck_assert_config_mistakes(
		"[proxy]\nlisten = 8010-8000\nlisten = 1-1025\nlisten = 127.0.0.1:1-70000\n"
		"server = 127.0.0.1:8000-8010\nlisten = 0-3\nlisten = 7-8-9\n",
		"t:2: [proxy] listen: \"8010-8000\": the range of ports runs backwards\n"
		"t:3: [proxy] listen: \"1-1025\": the range has 1025 ports; at most 1024 can be "
		"had "
		"from one line\n"
		"t:4: [proxy] listen: \"127.0.0.1:1-70000\": the range of ports has to end within "
		"1..65535\n"
		"t:5: [proxy] server: \"127.0.0.1:8000-8010\": a range of ports is for listen "
		"only; "
		"repeat server for each that is to be connected to\n"
		"t:6: [proxy] listen: \"0-3\": the port is outside 1..65535\n"
		"t:7: [proxy] listen: \"7-8-9\": the range of ports has to end within 1..65535\n");
}
END_TEST

START_TEST(the_rights_of_a_unix_socket_are_read)
{
	struct config config = config_of("[echo]\nlisten = unix:/a\n"
					 "listen = unix:/b  mode=640\towner=root group=7\n");
	const struct config_endpoint *listens = config.sections[0].listens;

	ck_assert_uint_eq(listens[0].mode, 0666);
	ck_assert_uint_eq(listens[0].owner, (uid_t)-1);
	ck_assert_uint_eq(listens[0].group, (gid_t)-1);
	ck_assert_uint_eq(listens[1].mode, 0640);
	ck_assert_uint_eq(listens[1].owner, 0);
	ck_assert_uint_eq(listens[1].group, 7);
	ck_assert_str_eq(listens[1].text, "unix:/b");
	config_done(&config);
}
END_TEST

START_TEST(an_option_that_an_address_cannot_have_is_refused)
{
	ck_assert_config_mistakes(
		"[echo]\nlisten = unix:/a mode=0888\nlisten = unix:/b mode=01777\n"
		"listen = unix:/c owner=no-such-user group=root\nlisten = unix:/d group=\n"
		"listen = unix:@e mode=0600\nlisten = 80 mode=0600\nlisten = :81 freebind\n"
		"listen = systemd:x owner=root\nlisten = unix:/f freebind\n"
		"listen = 127.0.0.1:1 freebind=yes\nlisten = 127.0.0.1:2 ttl=4\n"
		"listen = unix:/g mode=0600 mode=0600\n",
		"t:2: [echo] listen: \"unix:/a mode=0888\": mode=0888 is not a file's mode; write "
		"for example mode=0660\n"
		"t:3: [echo] listen: \"unix:/b mode=01777\": mode=01777 is not a file's mode; "
		"write "
		"for example mode=0660\n"
		"t:4: [echo] listen: \"unix:/c owner=no-such-user group=root\": "
		"owner=no-such-user: this machine has no user of that name\n"
		"t:5: [echo] listen: \"unix:/d group=\": group needs a value, as in group=...\n"
		"t:6: [echo] listen: \"unix:@e mode=0600\": mode has no use here: what is in the "
		"abstract name space has no file, and anybody may connect to it\n"
		"t:7: [echo] listen: \"80 mode=0600\": mode has no use here: it is for the path of "
		"a unix socket\n"
		"t:8: [echo] listen: \":81 freebind\": freebind has no use here: it is every "
		"address "
		"that there is\n"
		"t:9: [echo] listen: \"systemd:x owner=root\": owner has no use here: the socket "
		"unit has SocketMode=, SocketUser=, SocketGroup= and FreeBind=\n"
		"t:10: [echo] listen: \"unix:/f freebind\": freebind has no use here: it is for an "
		"IPv4 or IPv6 address\n"
		"t:11: [echo] listen: \"127.0.0.1:1 freebind=yes\": freebind takes no value\n"
		"t:12: [echo] listen: \"127.0.0.1:2 ttl=4\": \"ttl=4\" is no option of an address; "
		"there are mode=, owner= and group= for unix sockets, and interface=, v6only, "
		"freebind, tos=, backlog= and defer_accept; for several addresses repeat the key\n"
		"t:13: [echo] listen: \"unix:/g mode=0600 mode=0600\": mode is given twice\n");
}
END_TEST

START_TEST(the_options_of_listening_sockets_are_read)
{
	struct config config = config_of(
		"[echo]\nlisten = 1\nlisten = 2-3 v6only interface=eth0.7 tos=af41 backlog=17 "
		"defer_accept\nlisten = [::1]:9 v6only tos=0x28\nlisten = unix:/x backlog=9\n"
		"listen = 4 interface=a\nlisten = 4 interface=b tos=LE\n"
		"listen = [fe80::1%a]:6 interface=a\n");
	const struct config_endpoint *listens = config.sections[0].listens;

	ck_assert_uint_eq(config.sections[0].listen_count, 8);
	ck_assert(!listens[0].v6only && !listens[0].defer_accept && !*listens[0].interface &&
		  !listens[0].tos && !listens[0].backlog);
	for (size_t i = 1; i < 3; i++) {
		ck_assert_int_eq(listens[i].address.kind, ADDRESS_INET);
		ck_assert_int_eq(listens[i].address.u.in6.sin6_family, AF_INET6);
		ck_assert_uint_eq(ntohs(listens[i].address.u.in6.sin6_port), i + 1);
		ck_assert_str_eq(listens[i].interface, "eth0.7");
		ck_assert_uint_eq(listens[i].tos, 34 << 2);
		ck_assert_uint_eq(listens[i].backlog, 17);
		ck_assert(listens[i].defer_accept);
	}
	ck_assert_uint_eq(listens[3].tos, 0x28);
	ck_assert_uint_eq(listens[4].backlog, 9);
	ck_assert_uint_eq(listens[6].tos, 1 << 2);
	config_done(&config);
}
END_TEST

START_TEST(mistakes_in_the_options_of_listening_sockets_have_their_words)
{
	static const struct {
		const char *line, *why;
	} cases[] = {
		{"1 interface=", "interface needs a value, as in interface=..."},
		{"1 interface=a/b", "interface=a/b is not the name of an interface, of at most 15 "
				    "bytes; `ip link` shows them"},
		{"1 interface=sixteen-letters-",
		 "interface=sixteen-letters- is not the name of an interface, of at most 15 "
		 "bytes; `ip link` shows them"},
		{"[fe80::1%a]:1 interface=b",
		 "interface=b is not that of the address, %a; leave one away"},
		{"127.0.0.1:1 v6only",
		 "v6only has no use here: it is for IPv6, and for a port of every address"},
		{"1 v6only=yes", "v6only takes no value"},
		{"1 tos=46", "tos=46 has bits of ECN, which TCP sets by itself; for DSCP 46 write "
			     "tos=ef or tos=184"},
		{"1 tos=255", "tos=255 has bits of ECN, the lower two, which TCP sets by itself; "
			      "write a multiple of 4"},
		{"1 tos=256", "tos=256 is neither a class (cs0..cs7, af11..af43, ef, va, le) nor a "
			      "number, 0..252"},
		{"1 tos=af44", "tos=af44 is neither a class (cs0..cs7, af11..af43, ef, va, le) nor "
			       "a number, 0..252"},
		{"1 tos=-4", "tos=-4 is neither a class (cs0..cs7, af11..af43, ef, va, le) nor a "
			     "number, 0..252"},
		{"1 backlog=0", "backlog=0 is outside 1..65535"},
		{"1 backlog=many", "backlog=many is outside 1..65535"},
		{"1 defer_accept=3s", "defer_accept takes no value"},
		{"1 deferred",
		 "\"deferred\" is no option of an address; did you mean defer_accept?"},
		{"1 ipv6only=on",
		 "\"ipv6only=on\" is no option of an address; did you mean v6only?"},
		{"1 dscp=ef", "\"dscp=ef\" is no option of an address; did you mean tos=?"},
		{"unix:/x interface=eth0",
		 "interface has no use here: it is for IPv4 and IPv6, not for a unix socket"},
		{"unix:/x tos=ef",
		 "tos has no use here: it is for IPv4 and IPv6, not for a unix socket"},
		{"unix:@x defer_accept",
		 "defer_accept has no use here: it is for IPv4 and IPv6, not for a unix socket"},
		{"unix:/x v6only",
		 "v6only has no use here: it is for IPv6, and for a port of every address"},
		{"systemd:x interface=eth0",
		 "interface has no use here: the socket unit has BindToDevice="},
		{"systemd:x tos=ef", "tos has no use here: the socket unit has IPTOS="},
		{"systemd:x backlog=3", "backlog has no use here: the socket unit has Backlog="},
		{"systemd:x v6only",
		 "v6only has no use here: the socket unit has BindIPv6Only=ipv6-only"},
		{"systemd:x defer_accept",
		 "defer_accept has no use here: the socket unit has DeferAcceptSec="},
	};
	char text[200], expected[600];

	for (size_t i = 0; i < array_size(cases); i++) {
		snprintf(text, sizeof(text), "[echo]\nlisten = %s\n", cases[i].line);
		snprintf(expected, sizeof(expected), "t:2: [echo] listen: \"%s\": %s\n",
			 cases[i].line, cases[i].why);
		ck_assert_config_mistakes(text, expected);
	}
	ck_assert_config_mistakes("[proxy]\nlisten = 1\nserver = 127.0.0.1:2 tos=ef\n",
				  "t:3: [proxy] server: \"127.0.0.1:2 tos=ef\": tos has no use "
				  "here: it is for listen "
				  "lines\n");
}
END_TEST

START_TEST(two_interfaces_may_have_the_same_port)
{
	ck_assert_config_mistakes("[echo]\nlisten = 1 interface=a\n[discard]\nlisten = 1 "
				  "interface=b\n",
				  "");
	ck_assert_config_mistakes(
		"[echo]\nlisten = 1 interface=a\n[discard]\nlisten = 1 interface=a\n",
		"t:4: [discard] listen: \"1\" is taken by [echo] at t:2 (\"1\"); one of the two "
		"has "
		"to go\n");
	ck_assert_config_mistakes(
		"[echo]\nlisten = 127.0.0.1:1 interface=lo\n[discard]\nlisten = 1\n",
		"t:4: [discard] listen: \"1\" is taken by [echo] at t:2 (\"127.0.0.1:1\"); one of "
		"the two has to go\n");
	ck_assert_config_mistakes("[echo]\nlisten = 1 v6only\n[discard]\nlisten = 0.0.0.0:1\n", "");
	ck_assert_config_mistakes("[echo]\nlisten = [::]:1-9\n[discard]\nlisten = 9-10 v6only\n",
				  "t:4: [discard] listen: \"[::]:9\" is taken by [echo] at t:2 "
				  "(\"[::]:9\"); one of the "
				  "two has to go\n");
	/* What is sent to the loopback comes in nowhere else. */
	ck_assert_config_mistakes("[proxy]\nlisten = 1 interface=eth0\nserver = 127.0.0.1:1\n", "");
	ck_assert_config_mistakes("[proxy]\nlisten = 1 interface=lo\nserver = 127.0.0.1:1\n",
				  "t:3: [proxy] server: \"127.0.0.1:1\" is where this section "
				  "listens, at t:2: it would "
				  "connect to itself without end\n");
}
END_TEST

START_TEST(settings_that_contradict_each_other_are_refused)
{
	ck_assert_config_mistakes(
		"[global]\nbuffer_memory = 1M\n[defaults]\nreceive_budget = 2M\n"
		"[echo]\nlisten = 1\nidle_if_alive = keep\n",
		"t:4: [defaults] receive_budget: 2M is more than all of buffer_memory, which is "
		"1M; lower it, or raise buffer_memory of [global]\n"
		"t:7: [echo] idle_if_alive: \"keep\" finds out who is alive by keepalives; add for "
		"example keepalive = 60s\n");
	ck_assert_config_mistakes(
		"[defaults]\nidle_if_alive = keep\n[echo]\nlisten = 1\n[discard]\nlisten = 2\n",
		"t:2: [defaults] idle_if_alive: \"keep\" finds out who is alive by keepalives; add "
		"for example keepalive = 60s\n");
}
END_TEST

START_TEST(a_file_that_is_no_configuration_is_not_reported_on_without_end)
{
	size_t size = 10000;
	char *text = malloc(size);
	const char *said;
	size_t lines = 0;

	memset(text, '\n', size);
	for (size_t i = 0; i < size; i += 2)
		text[i] = 1;
	said = config_mistakes_of(text, size);
	for (const char *c = said; *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, 101);
	ck_assert_ptr_nonnull(strstr(said, "\nmore than 100 mistakes; the rest is not shown\n"));
	free(text);
}
END_TEST

/* Of PROXY headers: who is believed, what is said, and which words there are. */
START_TEST(what_is_wrong_with_proxy_headers_is_said)
{
	ck_assert_config_mistakes(
		"[echo]\nlisten = 7\naccept_proxy = any\n",
		"t:3: [echo] accept_proxy: needs accept_proxy_from, or whoever reaches \"7\" could "
		"call himself by any address; write for example accept_proxy_from = 10.0.0.0/8, or "
		"accept_proxy_from = all where that is meant\n");
	ck_assert_config_mistakes("[echo]\nlisten = 7\naccept_proxy = v1\n"
				  "accept_proxy_from = all\n",
				  "");
	ck_assert_config_mistakes(ECHO "accept_proxy = v2\n"
				       "[discard]\nlisten = unix:/run/x\naccept_proxy = any\n",
				  "");
	ck_assert_config_mistakes(
		"[echo]\nlisten = systemd:x\naccept_proxy = v1\n"
		"accept_proxy_from = 10.0.0.0/33\n"
		"accept_proxy_timeout = 1h\naccept_proxy_others = all\n",
		"t:4: [echo] accept_proxy_from: \"10.0.0.0/33\": the prefix of an IPv4 "
		"network is 0..32 bits long\n"
		"t:5: [echo] accept_proxy_timeout: \"1h\" is outside 1ms..10min\n"
		"t:6: [echo] accept_proxy_others: \"all\" is not one of: reject, "
		"plain\n");
	ck_assert_config_mistakes(ECHO "accept_proxy = yes\n",
				  "t:3: [echo] accept_proxy: \"yes\" is not one of: off, v1, v2, "
				  "any\n");
	ck_assert_config_mistakes(
		"[proxy p]\nlisten = 127.0.0.1:7\nserver = 127.0.0.1:8 "
		"send_proxy=v3\nsend_proxy = on\n"
		"send_proxy_tlv = authority alpn\n",
		"t:3: [proxy p] server: \"127.0.0.1:8 send_proxy=v3\": send_proxy: "
		"\"v3\" is not one of: off, v1, v2 (did you mean v1?)\n"
		"t:4: [proxy p] send_proxy: \"on\" is not one of: off, v1, v2\n"
		"t:5: [proxy p] send_proxy_tlv: \"alpn\" is not one of: authority, "
		"unique_id, crc32c, client, or none\n");
}
END_TEST

SUITE("config mistakes", every_mistake_is_reported_in_one_run_in_the_order_of_the_file,
      a_line_of_more_than_200_bytes_is_read_whole,
      a_line_of_more_than_4000_bytes_is_refused_not_split,
      a_comment_of_more_than_4000_bytes_is_refused_too,
      an_indented_line_does_not_continue_the_one_before, an_empty_section_is_seen,
      a_section_that_begins_again_is_refused_with_both_lines,
      a_section_without_a_name_is_the_one_with_the_kind_for_a_name,
      the_same_name_may_be_had_by_sections_of_two_kinds,
      an_over_long_section_name_is_refused_not_cut,
      a_scalar_key_that_is_set_twice_is_refused_with_the_first_line,
      a_bracket_that_is_not_closed_is_refused, a_colon_does_not_separate_key_and_value,
      a_nul_byte_does_not_hide_what_follows, a_control_character_is_refused,
      line_ends_of_another_system_and_a_byte_order_mark_are_taken, the_last_line_needs_no_end,
      both_characters_begin_a_comment_at_the_start_and_after_a_blank,
      a_pair_of_quotation_marks_is_taken_off, a_line_that_is_no_assignment_is_refused,
      a_file_without_a_section_that_listens_is_refused, a_key_before_the_first_section_is_refused,
      a_control_socket_is_a_unix_socket_that_not_everybody_may_use,
      what_is_asked_has_listen_lines_and_no_other_key, an_unknown_section_is_refused,
      a_name_is_one_word_and_not_for_every_section,
      a_key_in_the_wrong_section_is_told_where_it_belongs,
      an_unknown_key_is_met_with_what_may_have_been_meant, a_very_long_key_is_an_unknown_key,
      a_value_that_is_wrong_is_met_with_what_would_be_right,
      a_wrong_value_of_global_or_log_is_met_with_what_would_be_right,
      a_list_of_cpus_that_is_none_is_refused, ports_0_and_65536_are_refused,
      an_address_takes_no_other_behind_it,
      a_proxy_needs_a_server_and_every_section_a_place_to_listen,
      an_address_is_listened_on_once_in_all_the_file, a_proxy_does_not_connect_to_itself,
      a_port_of_every_address_leaves_none_of_its_family,
      a_path_is_listened_on_once_however_it_is_written, a_chain_of_proxies_does_not_come_back,
      a_key_that_another_leaves_without_effect_is_a_warning,
      the_rates_and_the_time_of_a_request_are_checked,
      a_key_that_has_an_effect_somewhere_is_no_warning, a_range_of_ports_is_as_many_lines,
      the_rights_of_a_unix_socket_are_read, an_option_that_an_address_cannot_have_is_refused,
      the_options_of_listening_sockets_are_read,
      mistakes_in_the_options_of_listening_sockets_have_their_words,
      two_interfaces_may_have_the_same_port, settings_that_contradict_each_other_are_refused,
      what_is_wrong_with_proxy_headers_is_said,
      a_file_that_is_no_configuration_is_not_reported_on_without_end)
