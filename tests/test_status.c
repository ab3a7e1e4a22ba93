/* The page: read without JavaScript, nothing leaves its place, nothing comes from elsewhere. */
#include "control/status.h"
#include "control/words.h"
#include "support/child.h"
#include "support/skip.h"
#include "support/snapshot.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

#define NONCE "0123456789abcdef01234567"

/* Static storage. */
static const char *written(const struct metrics_snapshot *snapshot, bool json)
{
	static char text[262144];
	struct sheet sheet = {0};

	if (json)
		status_json(&sheet, snapshot);
	else
		status_page(&sheet, snapshot, NONCE);
	ck_assert_uint_lt(sheet.used, sizeof(text));
	strcpy(text, sheet_text(&sheet));
	sheet_done(&sheet);
	return text;
}

static const char *file_with(const char *name, const char *text)
{
	static char path[4][256];
	static unsigned next;
	char *at = path[next++ % 4];
	FILE *file;

	snprintf(at, sizeof(path[0]), "%s/%s", suite_dir(), name);
	file = fopen(at, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	return at;
}

static unsigned count(const char *text, const char *word)
{
	unsigned found = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		found++;
	return found;
}

START_TEST(everything_stands_in_the_page_itself)
{
	static const char *const said[] = {
		"1,204 of 9,936 connections, edition 7 (1 earlier one still has connections)",
		"<title>(2) serving, 1,204 connections: uringproxy</title>",
		"up for 1 day 3 h",
		"pool web: server app2 is down: check: connection refused",
		"0.0.0.0:80, [::]:443",
		"24 connect-refused",
		"<span class=\"state going\">2 of 3 up</span>",
		"<span class=\"state up\">up</span>",
		"603 of 1,000",
		"<span class=\"state drain\">drain</span> for 2 min",
		"uringproxy server web/app1 drain",
		"1.20 ms",
		"12 MB/s",
		"db.example",
		"1 s ago",
		"1.0 MB of 34 MB used",
		"p99 of a turn in the last 10 minutes: 20.5 ms now, 20.5 ms at most",
	};
	const char *text = written(snapshot_sample(), false);

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		ck_assert_msg(strstr(text, said[i]), "no \"%s\"", said[i]);
	ck_assert_uint_eq(count(text, "<svg "), 4);
	ck_assert_uint_eq(count(text, "<code>uringproxy server "), 3);
	ck_assert_uint_eq(count(text, "@"), count(text, "@media"));
}
END_TEST

START_TEST(what_others_wrote_cannot_leave_its_place)
{
	const char *text = written(snapshot_sample(), false);

	ck_assert_ptr_null(strstr(text, "<b>'"));
	ck_assert_ptr_null(strstr(text, "\xff"));
	ck_assert_uint_eq(count(text, "</script>"), 1);
	ck_assert_ptr_nonnull(strstr(text, "a&quot;b\\c?&lt;/script&gt;&lt;b&gt;&#39;&amp;"));
	/* in the command it is one word of a shell besides */
	ck_assert_ptr_nonnull(strstr(text, "server &#39;web/a&quot;b\\c?&lt;/script&gt;&lt;b&gt;"
					   "&#39;\\&#39;&#39;&amp;\xef\xbf\xbd&#39; ready"));
}
END_TEST

START_TEST(nothing_comes_from_elsewhere_and_only_what_bears_the_nonce_may_run)
{
	const char *text = written(snapshot_sample(), false);
	char policy[STATUS_POLICY_MAX], first[STATUS_NONCE_MAX], second[STATUS_NONCE_MAX];

	ck_assert_uint_eq(count(text, "<script nonce=\"" NONCE "\">"), 1);
	ck_assert_uint_eq(count(text, "<script"), 1);
	ck_assert_uint_eq(count(text, "<style nonce=\"" NONCE "\">"), 1);
	ck_assert_uint_eq(count(text, "<style"), 1);
	ck_assert_ptr_null(strstr(text, "http:"));
	ck_assert_ptr_null(strstr(text, "https:"));
	ck_assert_ptr_null(strstr(text, "src="));
	ck_assert_ptr_null(strstr(text, " style="));
	ck_assert_ptr_null(strstr(text, "<form"));
	ck_assert_ptr_null(strstr(text, "<button"));
	status_policy(policy, NONCE);
	ck_assert_ptr_nonnull(strstr(policy, "default-src 'none'"));
	ck_assert_ptr_nonnull(strstr(policy, "script-src 'nonce-" NONCE "'"));
	ck_assert_str_eq(policy + strlen(policy) - 22, "frame-ancestors 'none'");
	status_nonce(first);
	status_nonce(second);
	ck_assert_uint_eq(strlen(first), STATUS_NONCE_MAX - 1);
	ck_assert_str_ne(first, second);
}
END_TEST

START_TEST(a_daemon_that_has_just_started_has_a_page_too)
{
	static const struct metrics_snapshot empty = {
		.version = "1", .state = "serving", .now_ms = 1, .started_ms = 2};
	const char *text = written(&empty, false);

	ck_assert_ptr_nonnull(strstr(text, "0 of 0 connections"));
	ck_assert_ptr_nonnull(strstr(text, "up for 0 us"));
	ck_assert_ptr_nonnull(strstr(text, "the last reload failed"));
	ck_assert_ptr_null(strstr(text, "<svg"));
	ck_assert_ptr_nonnull(strstr(text, "</html>"));
	text = written(&empty, true);
	ck_assert_ptr_nonnull(strstr(text, "\"warnings\":[],\"proxies\":[],"));
}
END_TEST

START_TEST(tags_are_closed_in_their_order)
{
	char *output;
	int status;

	if (!program_exists("python3"))
		SKIP_TEST("no python3 to read HTML with");
	status = child_run(
		&(struct child_options){
			.argv =
				(const char *const[]){
					"python3", "-c",
					"import html.parser,sys\n"
					"void={'meta','link','br','line','polyline','!doctype'}\n"
					"class P(html.parser.HTMLParser):\n"
					"  open=[]\n"
					"  def handle_startendtag(s,t,a): pass\n"
					"  def handle_starttag(s,t,a):\n"
					"    if t not in void: s.open.append(t)\n"
					"  def handle_endtag(s,t):\n"
					"    assert s.open.pop()==t, (t,s.getpos())\n"
					"p=P(); p.feed(open(sys.argv[1]).read()); p.close()\n"
					"assert not p.open, p.open\n"
					"print('good')\n",
					file_with("status.html", written(snapshot_sample(), false)),
					NULL}},
		20000, &output);
	ck_assert_msg(status == 0, "%s", output);
	free(output);
}
END_TEST

START_TEST(json_is_json_and_has_what_the_page_has)
{
	char *output;
	int status;

	if (!program_exists("python3"))
		SKIP_TEST("no python3 to read JSON with");
	status = child_run(
		&(struct child_options){
			.argv = (const char *const[]){"python3", "-c",
						      "import json,sys\n"
						      "s=json.load(open(sys.argv[1]))\n"
						      "print(s['connections'],s['ready'],s['time'],"
						      "len(s['points']),\n"
						      " s['servers'][1]['failures'],s['servers'][2]"
						      "['name'].encode().hex(),\n"
						      " s['pools'][0]['connect_seconds']['p50'],s['"
						      "servers'][1]['since'],\n"
						      " s['workers'][1]['counters']['accepted'],"
						      "len(s['warnings']),\n"
						      " 'check_seconds' in "
						      "s['servers'][2],s['names'][0]['answered'])",
						      file_with("status.json",
								written(snapshot_sample(), true)),
						      NULL}},
		20000, &output);
	ck_assert_msg(status == 0, "%s", output);
	ck_assert_str_eq(output,
			 "1204 True 2026-11-18T11:06:40.000Z 300 {'connect-refused': 24} "
			 "6122625c630a3c2f7363726970743e3c623e2726efbfbd 0.0005 "
			 "2026-11-18T11:05:40.000Z 2000 2 False 2026-11-18T11:06:38.500Z\n");
	free(output);
}
END_TEST

/* ---- numbers as people read them ---- */

#define SAYS(function, said, ...)                                                                  \
	do {                                                                                       \
		char text_[WORDS_MAX];                                                             \
		ck_assert_str_eq(function(text_, __VA_ARGS__), said);                              \
	} while (0)

START_TEST(numbers_are_written_as_people_read_them)
{
	SAYS(words_number, "0", 0);
	SAYS(words_number, "999", 999);
	SAYS(words_number, "1,000", 1000);
	SAYS(words_number, "18,446,744,073,709,551,615", UINT64_MAX);
	SAYS(words_bytes, "0 B", 0);
	SAYS(words_bytes, "999 B", 999);
	SAYS(words_bytes, "1.0 kB", 1000);
	SAYS(words_bytes, "10 kB", 9960);
	SAYS(words_bytes, "1.0 MB", 999900);
	SAYS(words_bytes, "2.4 GB", UINT64_C(2400000000));
	SAYS(words_bytes, "18 EB", UINT64_MAX);
	SAYS(words_duration, "0 us", 0, HISTOGRAM_NS);
	SAYS(words_duration, "12 us", 12000, HISTOGRAM_NS);
	SAYS(words_duration, "0.25 ms", 250000, HISTOGRAM_NS);
	SAYS(words_duration, "16.4 ms", 16384000, HISTOGRAM_NS);
	SAYS(words_duration, "819 ms", 819200000, HISTOGRAM_NS);
	SAYS(words_duration, "1 s", 1999, HISTOGRAM_MS);
	SAYS(words_duration, "1 min 30 s", 90000, HISTOGRAM_MS);
	SAYS(words_duration, "2 min", 120000, HISTOGRAM_MS);
	SAYS(words_duration, "1 day 3 h", UINT64_C(100000000), HISTOGRAM_MS);
	SAYS(words_duration, "3 days", UINT64_C(259200000), HISTOGRAM_MS);
	SAYS(words_time, "2026-11-18 11:06:40 UTC", UINT64_C(1795000000000));
}
END_TEST

START_TEST(a_quantile_says_no_more_than_is_known)
{
	struct histogram_total total = {.counts = {1}};

	SAYS(words_quantile, "up to 0.25 ms", &total, &HISTOGRAM_CONNECT, 0.5);
	total.counts[HISTOGRAM_CONNECT.buckets] = 9;
	SAYS(words_quantile, "more than 4 s", &total, &HISTOGRAM_CONNECT, 0.5);
	SAYS(words_quantile, "", &(struct histogram_total){{0}, 0}, &HISTOGRAM_CONNECT, 0.5);
}
END_TEST

/* ---- a browser ---- */

/*
 * Serves the page under its policy, with one connection more each time and a script of
 * somebody else, to a Chromium, and prints what that had after six seconds of its own time.
 */
static const char browse[] =
	"import http.server,os,re,subprocess,sys,threading\n"
	"page,policy=open(sys.argv[1]).read(),sys.argv[2]\n"
	"asked=[0]\n"
	"class H(http.server.BaseHTTPRequestHandler):\n"
	"  def do_GET(s):\n"
	"    asked[0]+=1\n"
	"    body=page.replace('<p>1,204 of','<p>1,20%d of'%min(9,asked[0]))\n"
	"    body=body.replace('</body>','<script>document.title=\"evil\"</script></body>')\n"
	"    body=body.encode()\n"
	"    s.send_response(200)\n"
	"    s.send_header('Content-Type','text/html; charset=utf-8')\n"
	"    s.send_header('Content-Security-Policy',policy)\n"
	"    s.send_header('Content-Length',str(len(body)))\n"
	"    s.end_headers()\n"
	"    s.wfile.write(body)\n"
	"  def log_message(s,*a): pass\n"
	"server=http.server.ThreadingHTTPServer(('127.0.0.1',0),H)\n"
	"threading.Thread(target=server.serve_forever,daemon=True).start()\n"
	"r=subprocess.run(['setpriv','--pdeathsig','KILL','chromium','--headless','--no-sandbox','-"
	"-disable-gpu',\n"
	"  '--disable-dev-shm-usage','--user-data-dir='+sys.argv[3],'--enable-logging=stderr',\n"
	"  '--virtual-time-budget=6000','--dump-dom',\n"
	"  'http://127.0.0.1:%d/status'%server.server_port],capture_output=True,timeout=110)\n"
	"dom=r.stdout.decode()\n"
	"print(r.returncode,asked[0]>2,re.findall('<p>(1,20.) of',dom)>['1,201'],\n"
	"  re.findall('<title>(.*?)</title>',dom),len(re.findall('^<main>',dom,re.M)),\n"
	"  'class=\"shown\"' in dom)\n"
	"print(*[l for l in r.stderr.decode().split('\\n') if 'CONSOLE' in l],sep='\\n')\n";

START_TEST(a_browser_refreshes_the_page_and_runs_nothing_else)
{
	char policy[STATUS_POLICY_MAX], profile[256], *output;
	int status;

	if (!program_exists("chromium") || !program_exists("python3"))
		SKIP_TEST("no chromium (make check-peers)");
	snprintf(profile, sizeof(profile), "%s/profile", suite_dir());
	status = child_run(
		&(struct child_options){
			.argv = (const char *const[]){"python3", "-c", browse,
						      file_with("page.html",
								written(snapshot_sample(), false)),
						      status_policy(policy, NONCE), profile, NULL}},
		120000, &output);
	ck_assert_msg(status == 0, "%s", output);
	ck_assert_msg(strstr(output, "0 True True ['(2) serving, 1,204 connections: uringproxy'] 1 "
				     "False\n") == output,
		      "%s", output);
	/* the strange script is refused, and nothing else is complained of */
	ck_assert_msg(count(output, "CONSOLE") >= 1 &&
			      count(output, "CONSOLE") == count(output, "inline script"),
		      "%s", output);
	free(output);
}
END_TEST

SUITE_OF("status page", 150, ONCE(everything_stands_in_the_page_itself),
	 ONCE(what_others_wrote_cannot_leave_its_place),
	 ONCE(nothing_comes_from_elsewhere_and_only_what_bears_the_nonce_may_run),
	 ONCE(a_daemon_that_has_just_started_has_a_page_too), ONCE(tags_are_closed_in_their_order),
	 ONCE(json_is_json_and_has_what_the_page_has),
	 ONCE(numbers_are_written_as_people_read_them), ONCE(a_quantile_says_no_more_than_is_known),
	 ONCE(a_browser_refreshes_the_page_and_runs_nothing_else))
