/* Tables: as wide as what is in them, no wider than a terminal, and nothing that it would obey. */
#include "control/table.h"
#include "support/suite.h"

#include <string.h>

static const char *const heads[] = {"NAME", ">SIZE", "WHERE", NULL};
static struct table table;
static struct sheet sheet;

static void row(const char *name, unsigned size, const char *where)
{
	table_add(&table, "%s", name);
	table_add(&table, "%u", size);
	table_add(&table, "%s", where);
}

static void expect(const char *text, unsigned width, bool colours)
{
	table_write(&table, &sheet, 0, SIZE_MAX, width, colours);
	ck_assert_str_eq(sheet_text(&sheet), text);
	sheet_done(&sheet);
}

START_TEST(columns_are_as_wide_as_what_is_in_them)
{
	table_start(&table, heads);
	expect("NAME  SIZE  WHERE\n", 0, false);
	row("a", 1, "here");
	row("a longer one", 12345, "");
	expect("NAME           SIZE  WHERE\n"
	       "a                 1  here\n"
	       "a longer one  12345  \n",
	       0, false);
	table_write(&table, &sheet, 1, 1, 0, true);
	ck_assert_str_eq(sheet_text(&sheet), "\x1b[1mNAME           SIZE  WHERE\x1b[0m\n"
					     "a longer one  12345  \n");
	sheet_done(&sheet);
	table_done(&table);
}
END_TEST

START_TEST(the_widest_ones_are_cut_to_the_terminal)
{
	table_start(&table, heads);
	row("abcdefghijklmnop", 7, "nowhere at all");
	expect("NAME        SIZE  WHERE\n"
	       "abcdefghi+     7  nowhere a+\n",
	       28, false);
	expect("NAME    SIZE  WHERE\n"
	       "abcde+     7  nowhe+\n",
	       1, false);
	table_done(&table);
}
END_TEST

START_TEST(what_a_terminal_would_obey_is_not_shown)
{
	table_start(&table, heads);
	row("a\x1b[2J\nb\x7f", 1, "\xc2\x9b\xff\xc3\xa4");
	expect("NAME      SIZE  WHERE\n"
	       "a?[2J?b?     1  ??\xc3\xa4\n",
	       0, false);
	table_done(&table);
}
END_TEST

SUITE("control: table", columns_are_as_wide_as_what_is_in_them,
      the_widest_ones_are_cut_to_the_terminal, what_a_terminal_would_obey_is_not_shown)
