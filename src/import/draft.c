#include "import/draft.h"

#include "base/grow.h"
#include "config/report.h"
#include "config/value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 200 /* bytes of a line of theirs that a comment repeats */
#define TEXT_MAX  1000

void draft_init(struct draft *draft)
{
	*draft = (struct draft){0};
	(void)draft_section(draft, NULL, NULL, 0);
}

static void section_free(struct draft_section *section)
{
	for (size_t i = 0; i < section->count; i++)
		free(section->lines[i].text);
	free(section->lines);
	free(section->theirs);
	free(section->why);
	free(section);
}

void draft_done(struct draft *draft)
{
	for (size_t i = 0; i < draft->count; i++)
		section_free(draft->sections[i]);
	free(draft->sections);
	*draft = (struct draft){0};
}

struct draft_section *draft_top(struct draft *draft)
{
	return draft->count ? draft->sections[0] : NULL;
}

/* ---- Sections -------------------------------------------------------------------------------- */

static bool is_taken(const struct draft *draft, const char *word, const char *name)
{
	for (size_t i = 0; i < draft->count; i++)
		if (draft->sections[i]->theirs && !strcmp(draft->sections[i]->name, name))
			return true;
	return !strcmp(word, "proxy") && !strcmp(name, "pool");
}

/* Of our letters, and nobody else's here. */
static void find_name(const struct draft *draft, const char *word, const char *theirs,
		      char name[DRAFT_NAME_MAX])
{
	char letters[VALUE_NAME_MAX - 5];
	unsigned next = 2;

	snprintf(letters, sizeof(letters), "%s", *theirs ? theirs : word);
	for (char *c = letters; *c; c++)
		if (!value_name_span((char[]){*c, 0}))
			*c = '_';
	snprintf(name, DRAFT_NAME_MAX, "%s", letters);
	while (is_taken(draft, word, name))
		snprintf(name, DRAFT_NAME_MAX, "%s-%u", letters, next++);
}

struct draft_section *draft_section(struct draft *draft, const char *word, const char *name,
				    unsigned from)
{
	struct draft_section *section = calloc(1, sizeof(*section));
	struct draft_section **more;

	more = section ? grow(draft->sections, draft->count, 1, sizeof(*more)) : NULL;
	if (more)
		draft->sections = more;
	if (more && name)
		section->theirs = strdup(name);
	if (!more || (name && !section->theirs)) {
		draft->failed = true;
		free(section);
		return NULL;
	}
	section->word = word;
	section->from = from;
	if (name)
		find_name(draft, word, name, section->name);
	draft->sections[draft->count++] = section;
	return section;
}

struct draft_section *draft_one(struct draft *draft, const char *word, unsigned from)
{
	for (size_t i = 0; i < draft->count; i++)
		if (draft->sections[i]->word && !draft->sections[i]->theirs &&
		    !strcmp(draft->sections[i]->word, word))
			return draft->sections[i];
	return draft_section(draft, word, NULL, from);
}

struct draft_section *draft_find(const struct draft *draft, const char *word, const char *theirs)
{
	for (size_t i = 0; i < draft->count; i++) {
		struct draft_section *section = draft->sections[i];

		if (section->word && section->theirs && !strcmp(section->word, word) &&
		    !strcmp(section->theirs, theirs))
			return section;
	}
	return NULL;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* What the reader would take off, end or cut, or what would look otherwise than it is. */
static bool is_plain(const char *value)
{
	if (!*value || *value == '"' || *value == '\'' || *value == ' ')
		return false;
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == ';' || *c == '#')
			return false;
	return true;
}

static void add(struct draft *draft, struct draft_section *section, struct draft_line line)
{
	struct draft_line *more;

	if (!section) { /* there was no memory for it */
		free(line.text);
		return;
	}
	more = line.text ? grow(section->lines, section->count, 1, sizeof(*more)) : NULL;
	if (!more) {
		draft->failed = true;
		free(line.text);
		return;
	}
	section->lines = more;
	section->lines[section->count++] = line;
}

static void set(struct draft *draft, struct draft_section *section, struct draft_line line,
		const char *key, const char *value)
{
	char text[TEXT_MAX + 60];

	if (strlen(value) >= TEXT_MAX - 1 || !is_plain(value)) {
		snprintf(text, sizeof(text), "%s = %.*s", key, SHOWN_MAX, value);
		draft_miss(draft, section, line.from, text,
			   "no value here can be written with that in it");
		if (line.needed)
			draft_drop(draft, section, "one of its lines cannot be written here");
		return;
	}
	snprintf(text, sizeof(text), "%s = %s", key, value);
	line.text = strdup(text);
	add(draft, section, line);
}

void draft_set(struct draft *draft, struct draft_section *section, unsigned from, const char *key,
	       const char *format, ...)
{
	char value[TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	set(draft, section, (struct draft_line){.from = from}, key, value);
}

void draft_need(struct draft *draft, struct draft_section *section, unsigned from, const char *key,
		const char *format, ...)
{
	char value[TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	set(draft, section, (struct draft_line){.from = from, .needed = true}, key, value);
}

const char *draft_value(const struct draft_section *section, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = 0; section && i < section->count; i++)
		if (!section->lines[i].comment && !strncmp(section->lines[i].text, key, length) &&
		    !strncmp(section->lines[i].text + length, " = ", 3))
			return section->lines[i].text + length + 3;
	return NULL;
}

static char *without_controls(char *text)
{
	for (char *c = text; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return text;
}

void draft_miss(struct draft *draft, struct draft_section *section, unsigned from, const char *line,
		const char *why)
{
	char text[SHOWN_MAX + 700];

	snprintf(text, sizeof(text), "%.*s%s  (%.600s)", SHOWN_MAX, line,
		 strlen(line) > SHOWN_MAX ? "..." : "", why);
	draft->missed++;
	add(draft, section,
	    (struct draft_line){.text = without_controls(strdup(text)),
				.from = from,
				.comment = true,
				.mark = "not carried over"});
}

void draft_drop(struct draft *draft, struct draft_section *section, const char *why)
{
	if (!section || section->out)
		return;
	section->out = true;
	section->why = without_controls(strdup(why));
	if (!section->why)
		draft->failed = true;
	for (size_t i = 0; i < section->count; i++)
		draft->missed += !section->lines[i].comment;
}

/* ---- What is printed ------------------------------------------------------------------------- */

/* Whose line it is that was printed as that number. */
struct place {
	struct draft_section *section;
	struct draft_line *line; /* NULL: the header */
};

struct printing {
	const struct draft *draft;
	FILE *out;
	struct place *places; /* by number, from 1; NULL: nobody asks */
	unsigned line;
};

static void end_line(struct printing *printing, struct draft_section *section,
		     struct draft_line *line)
{
	fputc('\n', printing->out);
	printing->line++;
	if (printing->places)
		printing->places[printing->line] = (struct place){section, line};
}

static void print_comment(struct printing *printing, struct draft_section *section,
			  struct draft_line *line)
{
	fputs("# ", printing->out);
	if (line->from)
		fprintf(printing->out, "line %u: ", line->from);
	if (line->mark)
		fprintf(printing->out, "%s: ", line->mark);
	fputs(line->text, printing->out);
	end_line(printing, section, line);
}

static void print_header(struct printing *printing, struct draft_section *section)
{
	bool named = *section->name;

	end_line(printing, section, NULL);
	if (section->out) {
		fprintf(printing->out, "# line %u: not carried over: all of it  (%s)",
			section->from, section->why ? section->why : "");
		end_line(printing, section, NULL);
	}
	fprintf(printing->out, "%s[%s%s%s]", section->out ? "# " : "", section->word,
		named ? " " : "", section->name);
	end_line(printing, section, NULL);
}

static void print_section(struct printing *printing, struct draft_section *section)
{
	if (section->word)
		print_header(printing, section);
	for (size_t i = 0; i < section->count; i++) {
		struct draft_line *line = &section->lines[i];

		if (line->comment) {
			print_comment(printing, section, line);
			continue;
		}
		fprintf(printing->out, "%s%s", section->out ? "# " : "", line->text);
		end_line(printing, section, line);
	}
}

static void print_all(struct printing *printing)
{
	for (size_t i = 0; i < printing->draft->count; i++)
		print_section(printing, printing->draft->sections[i]);
}

static size_t lines_of(const struct draft *draft)
{
	size_t lines = 1;

	for (size_t i = 0; i < draft->count; i++)
		lines += draft->sections[i]->count + 3;
	return lines;
}

/* ---- What our reader says of it -------------------------------------------------------------- */

/* "theirs:12: [proxy web] key: why" without its beginning, which nobody else knows. */
static const char *message_of(const struct report_line *line)
{
	const char *text = strstr(line->text, ": ");

	return text ? text + 2 : line->text;
}

/* It becomes a comment, or the section does. */
static void refuse(struct draft *draft, const struct place *place, const char *message)
{
	struct draft_line *line = place->line;
	char text[SHOWN_MAX + 700];

	if (!line || line->needed) {
		draft_drop(draft, place->section, message);
		return;
	}
	if (line->comment) /* it has been said of this line before */
		return;
	snprintf(text, sizeof(text), "%.*s  (%.600s)", SHOWN_MAX, line->text, message);
	free(line->text);
	line->text = without_controls(strdup(text));
	line->comment = true;
	line->mark = "not carried over";
	draft->missed++;
	if (!line->text) {
		line->text = strdup("");
		draft->failed = true;
	}
}

/* 0: it is good; 1: it is another one now; -ENODATA: there is nothing in it. */
static int refuse_mistakes(struct draft *draft, const struct report *report,
			   const struct place *places, unsigned lines)
{
	int r = report->found[REPORT_MISTAKE] ? -ENODATA : 0;

	for (size_t i = 0; i < report->count; i++) {
		const struct report_line *line = &report->lines[i];

		if (line->kind != REPORT_MISTAKE || !line->line || line->line > lines ||
		    !places[line->line].section || !places[line->line].section->word)
			continue;
		refuse(draft, &places[line->line], message_of(line));
		r = 1;
	}
	return r;
}

/* As refuse_mistakes(), or -ENOMEM. */
static int try_once(struct draft *draft)
{
	struct printing printing = {.draft = draft};
	struct report report;
	struct config config;
	char *text = NULL;
	size_t size;
	int r;

	printing.places = calloc(lines_of(draft) + 1, sizeof(*printing.places));
	printing.out = printing.places ? open_memstream(&text, &size) : NULL;
	if (printing.out)
		print_all(&printing);
	if (!printing.out || fclose(printing.out) != 0) {
		free(printing.places);
		free(text);
		return -ENOMEM;
	}
	r = config_parse(&config, "import", text, size, &report);
	if (r != -ENOMEM)
		r = refuse_mistakes(draft, &report, printing.places, printing.line);
	config_done(&config);
	report_done(&report);
	free(printing.places);
	free(text);
	return r;
}

/* Each time round a line less is one, or a section. */
static int try_all(struct draft *draft)
{
	size_t rounds = lines_of(draft) + 1;
	int r = 1;

	while (r == 1 && !draft->failed && rounds--)
		r = try_once(draft);
	return draft->failed ? -ENOMEM : r == 1 ? -ENODATA : r;
}

int draft_print(struct draft *draft, FILE *out)
{
	struct printing printing = {.draft = draft, .out = out};
	int r = draft->failed ? -ENOMEM : try_all(draft), serving = 0;

	if (r == -ENOMEM)
		return r;
	for (size_t i = 0; i < draft->count; i++) {
		struct draft_section *section = draft->sections[i];

		if (r == -ENODATA && section->word)
			draft_drop(draft, section, "nothing that listens could be carried over");
		serving += section->word && !section->out && !strcmp(section->word, "proxy");
	}
	print_all(&printing);
	return serving;
}
