/* What one client may do, and all together: what is read of a file, and what is said of one that
 * is wrong. */
#include "config/schema.h"
#include "support/config_text.h"

#define ECHO "[echo]\nlisten = 7\n"

START_TEST(without_keys_no_client_is_limited)
{
	struct config config = config_of(ECHO);
	const struct config_settings *settings = &config.sections[0].settings;

	ck_assert_uint_eq(config.client_memory, 2 << 20);
	ck_assert_uint_eq(settings->max_per_client, 0);
	ck_assert_uint_eq(settings->client_rate.count, 0);
	ck_assert_uint_eq(settings->client_prefix_v4, 32);
	ck_assert_uint_eq(settings->client_prefix_v6, 64);
	ck_assert_uint_eq(settings->accept_rate.count, 0);
	config_done(&config);
}
END_TEST

START_TEST(a_section_has_its_own_limits_or_those_of_defaults)
{
	struct config config = config_of(
		"[global]\nclient_memory = 32M\n"
		"[defaults]\nmax_per_client = 100\nclient_rate = 100/10s\naccept_rate = 500/s\n"
		"[proxy a]\nlisten = 1\nserver = 127.0.0.1:9\nmax_per_client = off\n"
		"client_rate = off\nclient_prefix_v4 = 24\nclient_prefix_v6 = 56\n" ECHO);
	const struct config_settings *own = &config.sections[0].settings,
				     *other = &config.sections[1].settings;

	/* Prefixes that are about nothing are warned of, and read. */
	ck_assert_uint_eq(config.client_memory, 32 << 20);
	ck_assert_uint_eq(own->max_per_client, 0);
	ck_assert_uint_eq(own->client_rate.count, 0);
	ck_assert_uint_eq(own->client_prefix_v4, 24);
	ck_assert_uint_eq(own->client_prefix_v6, 56);
	ck_assert_uint_eq(own->accept_rate.count, 500);
	ck_assert_uint_eq(own->accept_rate.period_ms, 1000);
	ck_assert_uint_eq(other->max_per_client, 100);
	ck_assert_uint_eq(other->client_rate.count, 100);
	ck_assert_uint_eq(other->client_rate.period_ms, 10000);
	config_done(&config);
}
END_TEST

START_TEST(a_rate_is_written_in_several_ways_and_shown_in_one)
{
	static const struct {
		const char *written;
		uint32_t count, period_ms;
		const char *shown;
	} rates[] = {
		{"500/s", 500, 1000, "500/s"},           {"500/1s", 500, 1000, "500/s"},
		{"100/10s", 100, 10000, "100/10s"},      {"100/10", 100, 10000, "100/10s"},
		{"100 / 10 s", 100, 10000, "100/10s"},   {"30/min", 30, 60000, "30/min"},
		{"90/1min30s", 90, 90000, "90/1min30s"}, {"1/h", 1, 3600000, "1/h"},
		{"1/day", 1, 86400000, "1/d"},           {"5/100ms", 5, 100, "5/100ms"},
		{"1000/ms", 1000, 1, "1000/ms"},         {"1000000/s", 1000000, 1000, "1000000/s"},
	};
	char why[VALUE_WHY_MAX], shown[VALUE_TEXT_MAX];

	for (size_t i = 0; i < array_size(rates); i++) {
		struct value_rate rate = {0}, again = {0};

		ck_assert_msg(value_parse_rate(&rate, rates[i].written, why) == 0, "%s: %s",
			      rates[i].written, why);
		ck_assert_uint_eq(rate.count, rates[i].count);
		ck_assert_uint_eq(rate.period_ms, rates[i].period_ms);
		ck_assert_str_eq(value_format_rate(&rate, shown, sizeof(shown)), rates[i].shown);
		ck_assert_int_eq(value_parse_rate(&again, shown, why), 0);
		ck_assert_uint_eq(again.count, rate.count);
		ck_assert_uint_eq(again.period_ms, rate.period_ms);
	}
}
END_TEST

#define NO_RATE(text)                                                                              \
	"\"" text "\" is not so many in a time; write for example 500/s or 100/10s, or off\n"
#define NO_RANGE(text) "\"" text "\" is outside 1/day..1000000/s or off\n"

START_TEST(what_is_no_rate_is_told_what_would_be_one)
{
	ck_assert_config_mistakes(ECHO "client_rate = 100\n",
				  "t:3: [echo] client_rate: " NO_RATE("100"));
	ck_assert_config_mistakes(ECHO "client_rate = 100/\n",
				  "t:3: [echo] client_rate: " NO_RATE("100/"));
	ck_assert_config_mistakes(ECHO "client_rate = /s\n",
				  "t:3: [echo] client_rate: " NO_RATE("/s"));
	ck_assert_config_mistakes(ECHO "client_rate = -5/s\n",
				  "t:3: [echo] client_rate: " NO_RATE("-5/s"));
	ck_assert_config_mistakes(ECHO "client_rate = 1.5/s\n",
				  "t:3: [echo] client_rate: " NO_RATE("1.5/s"));
	ck_assert_config_mistakes(ECHO "accept_rate = 100/10parsecs\n",
				  "t:3: [echo] accept_rate: " NO_RATE("100/10parsecs"));
	ck_assert_config_mistakes(ECHO "accept_rate = 100/10us\n",
				  "t:3: [echo] accept_rate: " NO_RATE("100/10us"));
	ck_assert_config_mistakes(ECHO "accept_rate = 500/s fast\n",
				  "t:3: [echo] accept_rate: " NO_RATE("500/s fast"));
	ck_assert_config_mistakes(ECHO "accept_rate = 99999999999999999999/s\n",
				  "t:3: [echo] accept_rate: " NO_RATE("99999999999999999999/s"));
	ck_assert_config_mistakes(ECHO "client_rate = 0/s\n",
				  "t:3: [echo] client_rate: " NO_RANGE("0/s"));
	ck_assert_config_mistakes(ECHO "client_rate = 5/0s\n",
				  "t:3: [echo] client_rate: " NO_RANGE("5/0s"));
	ck_assert_config_mistakes(ECHO "client_rate = 5/us\n",
				  "t:3: [echo] client_rate: " NO_RANGE("5/us"));
	ck_assert_config_mistakes(ECHO "client_rate = 5/2d\n",
				  "t:3: [echo] client_rate: " NO_RANGE("5/2d"));
	ck_assert_config_mistakes(ECHO "accept_rate = 1001/ms\n",
				  "t:3: [echo] accept_rate: " NO_RANGE("1001/ms"));
	ck_assert_config_mistakes(ECHO "accept_rate = 4294967297/1d\n",
				  "t:3: [echo] accept_rate: " NO_RANGE("4294967297/1d"));
}
END_TEST

START_TEST(other_words_for_no_limit_are_understood)
{
	struct config config = config_of(ECHO "client_rate = none\naccept_rate = infinity\n"
					      "max_per_client = 0\n");

	ck_assert_uint_eq(config.sections[0].settings.client_rate.count, 0);
	ck_assert_uint_eq(config.sections[0].settings.accept_rate.count, 0);
	ck_assert_uint_eq(config.sections[0].settings.max_per_client, 0);
	config_done(&config);
	config = config_of(ECHO "client_rate = 0\n");
	ck_assert_uint_eq(config.sections[0].settings.client_rate.count, 0);
	config_done(&config);
}
END_TEST

START_TEST(each_limit_has_its_range)
{
	ck_assert_config_mistakes(
		ECHO "max_per_client = 1000001\nclient_prefix_v4 = 0\nclient_prefix_v6 = 129\n",
		"t:3: [echo] max_per_client: \"1000001\" is outside 1..1000000 or off\n"
		"t:4: [echo] client_prefix_v4: \"0\" is outside 1..32\n"
		"t:5: [echo] client_prefix_v6: \"129\" is outside 1..128\n");
	ck_assert_config_mistakes(ECHO "client_prefix_v4 = /24\n",
				  "t:3: [echo] client_prefix_v4: \"/24\" is not a whole number "
				  "(1..32)\n");
	ck_assert_config_mistakes("[global]\nclient_memory = 1K\n" ECHO,
				  "t:2: [global] client_memory: \"1K\" is outside 64K..4G\n");
	ck_assert_config_mistakes("[global]\nclient_memory = 8G\n" ECHO,
				  "t:2: [global] client_memory: \"8G\" is outside 64K..4G\n");
}
END_TEST

START_TEST(a_limit_at_a_wrong_place_is_told_where_it_stands)
{
	ck_assert_config_mistakes(
		"[global]\nmax_per_client = 5\n" ECHO,
		"t:2: [global] max_per_client: has no meaning here; it belongs in "
		"[defaults] [proxy] [echo] [discard] [chargen] [responder]\n");
	ck_assert_config_mistakes(
		ECHO "client_memory = 2M\n",
		"t:3: [echo] client_memory: has no meaning here; it belongs in [global]\n");
}
END_TEST

START_TEST(what_others_call_it_leads_to_the_key)
{
	ck_assert_config_mistakes(ECHO "limit_conn = 5\n",
				  "t:3: [echo] limit_conn: no such key; did you mean "
				  "max_per_client?\n");
	ck_assert_config_mistakes(ECHO "limit_req = 5/s\n",
				  "t:3: [echo] limit_req: no such key; did you mean "
				  "client_rate?\n");
	ck_assert_config_mistakes(ECHO "rate_limit_sessions = 5/s\n",
				  "t:3: [echo] rate_limit_sessions: no such key; did you mean "
				  "accept_rate?\n");
}
END_TEST

START_TEST(a_prefix_that_is_about_nothing_is_warned_of)
{
	ck_assert_str_eq(config_said_of(ECHO "client_prefix_v6 = 56\n"),
			 "t:3: [echo] client_prefix_v6: has no effect: it is about "
			 "max_per_client and client_rate, which are off\n");
	ck_assert_str_eq(config_said_of(ECHO "client_prefix_v6 = 56\nclient_rate = 5/s\n"), "");
}
END_TEST

SUITE("config clients", without_keys_no_client_is_limited,
      a_section_has_its_own_limits_or_those_of_defaults,
      a_rate_is_written_in_several_ways_and_shown_in_one, what_is_no_rate_is_told_what_would_be_one,
      other_words_for_no_limit_are_understood, each_limit_has_its_range,
      a_limit_at_a_wrong_place_is_told_where_it_stands, what_others_call_it_leads_to_the_key,
      a_prefix_that_is_about_nothing_is_warned_of)
