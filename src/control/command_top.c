/*
 * `uringproxy top`: proxies, servers and connections on a terminal, looked at again and again.
 *
 * Plain escape codes, which every terminal knows: another screen while it runs, the cursor
 * hidden, one row in reverse.  The terminal is given back as it was, whatever ends it.
 */
#include "control/command_top.h"

#include "base/clock.h"
#include "control/ask_conns.h"
#include "control/commands.h"
#include "control/criteria.h"
#include "control/words.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#define SECONDS         2
#define SECONDS_MAX     30
#define CONNECTIONS_MAX 5000 /* more are not looked at */
#define FILTER_MAX      40
#define MESSAGE_MAX     140

#define SCREEN_OTHER "\x1b[?1049h\x1b[?25l"
#define SCREEN_BACK  "\x1b[?25h\x1b[?1049l"
#define HOME         "\x1b[H"
#define REST_OF_LINE "\x1b[K"
#define REST         "\x1b[J"
#define REVERSE      "\x1b[7m"
#define REGULAR      "\x1b[0m"

static const char help[] = "1 proxies  2 servers  3 connections  Tab  s sort  / filter  d drain  "
			   "r ready  k kill  +- seconds  q quit";

struct top {
	struct commandline *line;
	enum top_view view;
	unsigned sort[TOP_VIEW_COUNT];
	size_t selected, first; /* rows: in reverse, and at the top */
	char filter[FILTER_MAX];
	char message[MESSAGE_MAX];
	unsigned seconds;
	json_t *status, *list; /* "connections" in the latter; NULL: not asked for */
	uint64_t listed_ms;
	struct top_rows rows;
	struct termios before;
	unsigned char typed[64]; /* from typed_at on not looked at yet */
	size_t typed_at, typed_count;
};

static volatile sig_atomic_t over;

static void on_end(int signal)
{
	(void)signal;
	over = 1;
}

static void on_resize(int signal)
{
	(void)signal; /* poll() returns, and it is drawn anew */
}

/* ---- Looking --------------------------------------------------------------------------------- */

static int look_at_connections(struct top *top)
{
	static const struct ask_criteria everybody;
	json_t *list;
	uint64_t now;
	int r = ask_conns(top->line, &everybody, CONNECTIONS_MAX, &list);

	if (r != CLIENT_DONE)
		return r;
	now = clock_now_ms();
	top_rate(json_object_get(list, "connections"), json_object_get(top->list, "connections"),
		 (double)(now - top->listed_ms) / 1000);
	json_decref(top->list);
	top->list = list;
	top->listed_ms = now;
	return CLIENT_DONE;
}

static const json_t *answer_of(const struct top *top)
{
	return top->view == TOP_CONNECTIONS ? top->list : top->status;
}

static int choose(struct top *top)
{
	top_rows_done(&top->rows);
	if (top_choose(top->view, answer_of(top), top->filter, top->sort[top->view], &top->rows) <
	    0)
		return EX_OSERR;
	if (top->selected >= top->rows.count)
		top->selected = top->rows.count ? top->rows.count - 1 : 0;
	return CLIENT_DONE;
}

static int look(struct top *top)
{
	json_t *status;
	int r = ask(top->line, "GET", "/status.json", NULL, &status);

	if (r == CLIENT_DONE) {
		top_rows_done(&top->rows); /* they are of the old one */
		json_decref(top->status);
		top->status = status;
	}
	if (r == CLIENT_DONE && top->view == TOP_CONNECTIONS)
		r = look_at_connections(top);
	return r == CLIENT_DONE ? choose(top) : r;
}

static void top_free(struct top *top)
{
	top_rows_done(&top->rows);
	json_decref(top->status);
	json_decref(top->list);
}

/* ---- Drawing --------------------------------------------------------------------------------- */

static unsigned terminal_height(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row ? size.ws_row : 24;
}

static void write_head(const struct top *top, struct sheet *sheet)
{
	const json_t *warnings = json_object_get(top->status, "warnings");
	char connections[WORDS_MAX], most[WORDS_MAX];

	sheet_add(sheet, "uringproxy %s, %s, edition %lld: %s of %s connections",
		  ask_text(top->status, "version"), ask_text(top->status, "state"),
		  ask_number(top->status, "edition"),
		  words_number(connections, (uint64_t)ask_number(top->status, "connections")),
		  words_number(most, (uint64_t)ask_number(top->status, "connections_max")));
	if (json_array_size(warnings))
		sheet_add(sheet, "; %zu warning%s: see `uringproxy status`",
			  json_array_size(warnings), json_array_size(warnings) == 1 ? "" : "s");
	sheet_add(sheet, "\n%s by %s", top_view_name(top->view),
		  top_heads(top->view)[top->sort[top->view]] +
			  (top_heads(top->view)[top->sort[top->view]][0] == '>'));
	if (*top->filter)
		sheet_add(sheet, ", with '%s'", top->filter);
	sheet_add(sheet, ", every %u s\n", top->seconds);
}

/* Lines of it, each to the end of the line, the one of that index in reverse. */
static void draw_lines(const char *text, size_t reverse, unsigned width)
{
	for (size_t i = 0; *text; i++) {
		size_t length = strcspn(text, "\n");

		printf("%s%.*s%s%s\r\n", i == reverse ? REVERSE : "",
		       (int)(i < 2 && length > width ? width : length), text,
		       i == reverse ? REGULAR : "", REST_OF_LINE);
		text += length + (text[length] == '\n');
	}
}

static void draw(struct top *top)
{
	unsigned height = terminal_height(), width = terminal_width(stdout);
	size_t rows = height > 6 ? height - 5 : 1, lines = 2;
	struct sheet sheet = {0};
	struct table table;

	if (top->selected < top->first)
		top->first = top->selected;
	if (top->selected >= top->first + rows)
		top->first = top->selected - rows + 1;
	write_head(top, &sheet);
	table_start(&table, top_heads(top->view));
	top_fill(top->view, &top->rows, &table);
	table_write(&table, &sheet, top->first, rows, width, false);
	lines += 1 + top->selected - top->first;
	fputs(HOME, stdout);
	if (sheet_text(&sheet) && !table.failed)
		draw_lines(sheet_text(&sheet), top->rows.count ? lines : SIZE_MAX, width);
	printf(REST "\r\n%.*s", (int)width, *top->message ? top->message : help);
	fflush(stdout);
	table_done(&table);
	sheet_done(&sheet);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

enum { KEY_NONE = -1, KEY_UP = 256, KEY_DOWN, KEY_ESCAPE };

/* Whether there is something to be read, within so many milliseconds. */
static bool await_key(struct top *top, int wait_ms)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	ssize_t count;

	if (top->typed_at < top->typed_count)
		return true;
	if (poll(&input, 1, wait_ms) <= 0)
		return false;
	count = read(STDIN_FILENO, top->typed, sizeof(top->typed));
	over |= count <= 0;
	top->typed_at = 0;
	top->typed_count = count > 0 ? (size_t)count : 0;
	return count > 0;
}

/* The next one; what a key says in several bytes comes at once. */
static int read_key(struct top *top, int wait_ms)
{
	const unsigned char *typed;
	size_t left;

	if (!await_key(top, wait_ms))
		return KEY_NONE;
	typed = &top->typed[top->typed_at];
	left = top->typed_count - top->typed_at++;
	if (*typed != 0x1b)
		return *typed;
	if (left < 3 || typed[1] != '[')
		return KEY_ESCAPE;
	top->typed_at += 2;
	return typed[2] == 'A' ? KEY_UP : typed[2] == 'B' ? KEY_DOWN : KEY_NONE;
}

static bool is_sure(struct top *top, const char *question)
{
	int key;

	snprintf(top->message, sizeof(top->message), "%s [y/N]", question);
	draw(top);
	do
		key = read_key(top, -1);
	while (key == KEY_NONE && !over);
	top->message[0] = 0;
	return key == 'y' || key == 'Y';
}

static void change(struct top *top, const struct top_deed *deed)
{
	json_t *answer;
	int r = ask(top->line, deed->method, deed->target, deed->body, &answer);

	if (r == CLIENT_DONE)
		json_decref(answer);
	snprintf(top->message, sizeof(top->message), "%s",
		 r == CLIENT_DONE        ? deed->done
		 : r == CLIENT_NOT_FOUND ? "it is not there any more"
					 : "the daemon refuses");
}

static const json_t *selected(const struct top *top)
{
	return top->rows.count ? top->rows.rows[top->selected] : NULL;
}

/* Once it is sure that it is meant. */
static void act_on_selected(struct top *top, int key)
{
	struct top_deed deed;

	if (!top_deed(top->view, key, selected(top), &deed))
		snprintf(top->message, sizeof(top->message), "%s", deed.question);
	else if (is_sure(top, deed.question))
		change(top, &deed);
	top_deed_done(&deed);
}

/* Until Enter; Escape takes it away. */
static void read_filter(struct top *top)
{
	size_t length = 0;
	int key;

	top->filter[0] = 0;
	do {
		snprintf(top->message, sizeof(top->message), "with: %s", top->filter);
		(void)choose(top);
		draw(top);
		key = read_key(top, -1);
		if ((key == 0x7f || key == '\b') && length)
			top->filter[--length] = 0;
		else if (key >= ' ' && key < 0x7f && length + 1 < sizeof(top->filter))
			top->filter[length++] = (char)key;
		top->filter[length] = 0;
	} while (key != '\r' && key != '\n' && key != KEY_ESCAPE && !over);
	if (key == KEY_ESCAPE)
		top->filter[0] = 0;
	top->message[0] = 0;
}

static void show(struct top *top, enum top_view view)
{
	top->view = view;
	top->selected = top->first = 0;
	top_rows_done(&top->rows);
}

/* True: what is shown is to be asked for anew. */
static bool obey(struct top *top, int key)
{
	top->message[0] = 0;
	switch (key) {
	case 'q':
	case 3: /* Ctrl-C */
		over = 1;
		return false;
	case '1':
	case '2':
	case '3':
		show(top, (enum top_view)(key - '1'));
		return true;
	case '\t':
		show(top, (top->view + 1) % TOP_VIEW_COUNT);
		return true;
	case 's':
		top->sort[top->view] = top_next_sort(top->view, top->sort[top->view]);
		break;
	case '/':
		read_filter(top);
		break;
	case 'k':
	case 'd':
	case 'r':
		act_on_selected(top, key);
		return true;
	case '+':
		top->seconds += top->seconds < SECONDS_MAX;
		break;
	case '-':
		top->seconds -= top->seconds > 1;
		break;
	case KEY_UP:
		top->selected -= top->selected > 0;
		break;
	case KEY_DOWN:
		top->selected++;
		break;
	default: /* h and ? among them: the keys are shown */
		break;
	}
	return false;
}

/* ---- Running --------------------------------------------------------------------------------- */

static int run(struct top *top)
{
	uint64_t due_ms = 0;
	int r = CLIENT_DONE;

	while (!over && r == CLIENT_DONE) {
		uint64_t now = clock_now_ms();
		int key;

		if (now >= due_ms) {
			r = look(top);
			due_ms = clock_now_ms() + top->seconds * 1000ull;
		} else {
			r = choose(top);
		}
		if (r != CLIENT_DONE)
			break;
		draw(top);
		now = clock_now_ms();
		key = read_key(top, due_ms > now ? (int)(due_ms - now) : 0);
		if (key != KEY_NONE && obey(top, key))
			due_ms = 0;
	}
	return r;
}

static int run_on_terminal(struct top *top)
{
	const struct sigaction end = {.sa_handler = on_end}, resize = {.sa_handler = on_resize};
	struct termios raw;
	json_t *answer;
	int r;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &top->before) < 0) {
		fputs("uringproxy: top needs a terminal; elsewhere there is top --once\n", stderr);
		return EX_USAGE;
	}
	(void)sigaction(SIGTERM, &end, NULL);
	(void)sigaction(SIGHUP, &end, NULL);
	(void)sigaction(SIGWINCH, &resize, NULL);
	raw = top->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs(SCREEN_OTHER, stdout);
	r = run(top);
	fputs(SCREEN_BACK, stdout);
	fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
	/* What it said why not is gone with the other screen. */
	if (r != CLIENT_DONE && ask(top->line, "GET", "/v1/status", NULL, &answer) == CLIENT_DONE)
		json_decref(answer);
	return r;
}

static int print_views(struct top *top)
{
	int r = CLIENT_DONE;

	for (int view = 0; view < TOP_VIEW_COUNT && r == CLIENT_DONE; view++) {
		struct table table;

		top->view = (enum top_view)view;
		r = choose(top);
		table_start(&table, top_heads(top->view));
		if (r == CLIENT_DONE)
			top_fill(top->view, &top->rows, &table);
		if (r == CLIENT_DONE && table_print(&table, stdout) < 0)
			r = EX_OSERR;
		table_done(&table);
		if (view + 1 < TOP_VIEW_COUNT)
			putchar('\n');
	}
	return r;
}

static int print_once(struct top *top)
{
	int r;

	top->view = TOP_CONNECTIONS;
	r = look(top);
	if (r == CLIENT_DONE && top->line->json) {
		(void)json_object_set(top->list, "status", top->status);
		ask_print_json(top->list);
	} else if (r == CLIENT_DONE) {
		r = print_views(top);
	}
	return r;
}

int command_top(struct commandline *line)
{
	struct top top = {.line = line, .seconds = SECONDS};
	bool once = false;
	const struct commandline_option options[] = {
		{.name = "once", .flag = &once}, {.name = "json", .flag = &line->json}, {0}};
	int r = commandline_take(line, options, 0, 0);

	if (r == EX_OK && line->json && !once)
		r = commandline_explain(line);
	if (r == EX_OK)
		r = once ? print_once(&top) : run_on_terminal(&top);
	top_free(&top);
	return r;
}
