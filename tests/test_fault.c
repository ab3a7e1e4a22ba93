/* The table of what errors mean: all of it is walked over, and the manual pages' errors are in it.
 */
#include "base/fault.h"

#include "support/suite.h"

#include <errno.h>
#include <string.h>

enum { ERRORS = 24 };

/* The errors that a call's manual page names, but for those of calls that we do not make. */
struct page {
	const char *name;
	enum fault_place place;
	int errors[ERRORS];
};

static const struct page pages[] = {
	{"socket(2)",
	 FAULT_AT_SOCKET,
	 {EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT}},
	{"bind(2)",
	 FAULT_AT_BIND,
	 {EACCES, EADDRINUSE, EBADF, EINVAL, ENOTSOCK, EADDRNOTAVAIL, EFAULT, ELOOP, ENAMETOOLONG,
	  ENOENT, ENOMEM, ENOTDIR, EROFS}},
	{"listen(2)", FAULT_AT_BIND, {EADDRINUSE, EBADF, ENOTSOCK, EOPNOTSUPP}},
	{"accept(2)",
	 FAULT_AT_ACCEPT,
	 {EAGAIN,   EBADF,       ECONNABORTED, EFAULT, EINTR,        EINVAL,      EMFILE,
	  ENFILE,   ENOBUFS,     ENOMEM,       EPERM,  ENOTSOCK,     EPROTO,      EOPNOTSUPP,
	  ENETDOWN, ENOPROTOOPT, EHOSTDOWN,    ENONET, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT}},
	{"connect(2)",
	 FAULT_AT_CONNECT,
	 {EACCES, EPERM, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EALREADY, EBADF,
	  ECONNREFUSED, EFAULT, EINPROGRESS, EINTR, EISCONN, ENETUNREACH, ENOTSOCK, EPROTOTYPE,
	  ETIMEDOUT}},
	{"connect(2), unix(7)",
	 FAULT_AT_CONNECT_UNIX,
	 {EACCES, EPERM, EAGAIN, ECONNREFUSED, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EPROTOTYPE,
	  ENOTSOCK, EINVAL, ENOMEM, EINTR}},
	{"recv(2)",
	 FAULT_AT_RECEIVE,
	 {EAGAIN, EBADF, ECONNREFUSED, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN, ENOTSOCK,
	  ECONNRESET, ETIMEDOUT}},
	{"send(2)",
	 FAULT_AT_STREAM,
	 {EACCES, EAGAIN, EALREADY, EBADF, ECONNRESET, EDESTADDRREQ, EFAULT, EINTR, EINVAL, EISCONN,
	  EMSGSIZE, ENOBUFS, ENOMEM, ENOTCONN, ENOTSOCK, EOPNOTSUPP, EPIPE, ETIMEDOUT}},
};
enum { PAGES = sizeof(pages) / sizeof(pages[0]) };

START_TEST(every_error_of_a_manual_page_is_in_the_table)
{
	const struct page *page = &pages[_i];

	for (unsigned i = 0; i < ERRORS && page->errors[i]; i++)
		ck_assert_msg(fault_of(page->place, -page->errors[i]) != FAULT_UNKNOWN, "%s: %s",
			      page->name, strerror(page->errors[i]));
}
END_TEST

START_TEST(every_row_is_met_and_says_something_of_its_own)
{
	size_t count;
	const struct fault_row *rows = fault_rows(&count);

	for (size_t i = 0; i < count; i++) {
		const struct fault_row *row = &rows[i];
		enum fault_place wider = fault_wider(row->place);
		const char *name = strerror(row->error), *advice;

		ck_assert_int_gt(row->error, 0);
		ck_assert_uint_ne(row->fault, FAULT_UNKNOWN);
		ck_assert_uint_lt(row->fault, FAULT_COUNT);
		ck_assert_msg(fault_of(row->place, -row->error) == row->fault, "%s", name);
		advice = fault_advice(row->place, -row->error);
		ck_assert_msg(advice == row->advice, "%s: a row is behind another", name);
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(rows[j].place != row->place || rows[j].error != row->error,
				      "%s is there twice", name);
		if (wider != row->place)
			ck_assert_msg(fault_of(wider, -row->error) != row->fault ||
					      fault_advice(wider, -row->error) != row->advice,
				      "%s: the wider place says that already", name);
	}
}
END_TEST

START_TEST(every_fault_and_every_place_has_a_row)
{
	unsigned places = 0, faults = 1u << FAULT_UNKNOWN;
	size_t count;
	const struct fault_row *rows = fault_rows(&count);

	for (size_t i = 0; i < count; i++) {
		places |= 1u << rows[i].place;
		faults |= 1u << rows[i].fault;
	}
	ck_assert_uint_eq(places, (1u << FAULT_PLACE_COUNT) - 1);
	ck_assert_uint_eq(faults, (1u << FAULT_COUNT) - 1);
}
END_TEST

START_TEST(every_place_is_in_the_widest)
{
	for (unsigned i = 0; i < FAULT_PLACE_COUNT; i++) {
		enum fault_place place = (enum fault_place)i;
		unsigned steps = 0;

		for (; place != FAULT_ANYWHERE; place = fault_wider(place))
			ck_assert_uint_lt(steps++, FAULT_PLACE_COUNT);
		ck_assert_uint_eq(fault_of((enum fault_place)i, -EMFILE), FAULT_DESCRIPTORS);
	}
}
END_TEST

/* One errno, and what it is depends on what was done. */
START_TEST(an_error_is_what_it_is_where_it_is_met)
{
	ck_assert_uint_eq(fault_of(FAULT_AT_BIND, -EADDRNOTAVAIL), FAULT_ADDRESS);
	ck_assert_uint_eq(fault_of(FAULT_AT_CONNECT, -EADDRNOTAVAIL), FAULT_PORTS);
	ck_assert_uint_eq(fault_of(FAULT_AT_CONNECT, -EAGAIN), FAULT_MEMORY);
	ck_assert_uint_eq(fault_of(FAULT_AT_CONNECT_UNIX, -EAGAIN), FAULT_BACKLOG);
	ck_assert_uint_eq(fault_of(FAULT_AT_STREAM, -EAGAIN), FAULT_PASSING);
	ck_assert_uint_eq(fault_of(FAULT_AT_STREAM, -ENOBUFS), FAULT_MEMORY);
	ck_assert_uint_eq(fault_of(FAULT_AT_RECEIVE, -ENOBUFS), FAULT_BUFFERS);
	ck_assert_uint_eq(fault_of(FAULT_AT_ACCEPT, -EINVAL), FAULT_MISUSED);
	ck_assert_uint_eq(fault_of(FAULT_AT_CONNECT, -EINVAL), FAULT_ADDRESS);
	ck_assert_uint_eq(fault_of(FAULT_AT_CONNECT, -EILSEQ), FAULT_UNKNOWN);
	ck_assert_ptr_null(fault_advice(FAULT_AT_CONNECT, -EILSEQ));
	ck_assert_ptr_null(fault_advice(FAULT_AT_CONNECT, 0));
}
END_TEST

SUITE_OF("fault", 60, EACH(every_error_of_a_manual_page_is_in_the_table, PAGES),
	 ONCE(every_row_is_met_and_says_something_of_its_own),
	 ONCE(every_fault_and_every_place_has_a_row), ONCE(every_place_is_in_the_widest),
	 ONCE(an_error_is_what_it_is_where_it_is_met))
