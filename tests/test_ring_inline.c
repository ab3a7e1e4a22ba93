/* What the compiled module looks like from outside: inlined, self-contained, ours. */
#include "support/ring_tests.h"
#include "support/suite.h"

#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A word of the environment, or the default. */
static const char *tool(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

/* The source tree: tests run from its top. */
static bool in_tree(void)
{
	return access("src/ring/ring.h", R_OK) == 0;
}

static bool have_tool(const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", name);
	return system(command) == 0;
}

/* What a command prints, which must succeed; static storage. */
static const char *output(const char *command)
{
	static char text[1 << 20];
	FILE *pipe = popen(command, "r");
	size_t n;

	ck_assert_ptr_nonnull(pipe);
	n = fread(text, 1, sizeof(text) - 1, pipe);
	text[n] = 0;
	ck_assert_msg(pclose(pipe) == 0, "%s: %s", command, text);
	return text;
}

static const char caller[] = "#include \"ring/ring.h\"\n"
			     "int turn(struct ring *, struct io_uring_cqe *);\n"
			     "int fill(struct ring *, int, void *);\n"
			     "unsigned await(struct ring *);\n"
			     "unsigned await(struct ring *ring)\n"
			     "{\n"
			     "	return ring_submit_wait(ring, 1, RING_NEVER, 0).ready;\n"
			     "}\n"
			     "int fill(struct ring *ring, int fd, void *buffer)\n"
			     "{\n"
			     "	struct io_uring_sqe *sqe = ring_sqe(ring);\n"
			     "	if (!sqe)\n"
			     "		return -1;\n"
			     "	ring_prep_recv(sqe, fd, buffer, 64, 0);\n"
			     "	ring_sqe_tag(sqe, 7);\n"
			     "	return 0;\n"
			     "}\n"
			     "int turn(struct ring *ring, struct io_uring_cqe *out)\n"
			     "{\n"
			     "	struct io_uring_cqe *cqe;\n"
			     "	int sum = 0;\n"
			     "	ring_for_each_cqe(ring, cqe)\n"
			     "		sum += cqe->res;\n"
			     "	return sum + (int)ring_reap(ring, out, 8);\n"
			     "}\n";

static const char *disassemble(const char *function)
{
	char directory[] = "/tmp/ring-inline-XXXXXX", path[64], command[1024];
	const char *text;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/caller.c", directory);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(caller, file), 0);
	fclose(file);
	snprintf(command, sizeof(command),
		 "%s -std=gnu17 -D_GNU_SOURCE -O2 -DNDEBUG -ffunction-sections -Isrc -c -o "
		 "%s/caller.o %s && "
		 "objdump -dr --no-show-raw-insn -j .text.%s %s/caller.o; rm -r %s",
		 tool("CC", "gcc"), directory, path, function, directory, directory);
	text = output(command);
	ck_assert_ptr_nonnull(strstr(text, function));
	return text;
}

/* Lines that hold a word. */
static unsigned lines_with(const char *text, const char *word)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
		count++;
	return count;
}

START_TEST(taking_and_filling_an_entry_calls_only_the_slow_path_and_reads_no_shared_memory)
{
	const char *text;
	unsigned loads = 0;

	if (!in_tree() || !have_tool("objdump") || !have_tool(tool("CC", "gcc")))
		skip("needs the sources, a compiler and objdump");
#ifndef __x86_64__
	skip("reads x86-64 assembly");
#endif
	text = disassemble("fill");
	ck_assert_msg(lines_with(text, "R_X86_64_PLT32") == 1, "%s", text);
	ck_assert_uint_ge(lines_with(text, "ring_make_room"), 1);

	/*
	 * Shared memory is reached through pointers of the ring: sq_khead, sq_ktail
	 * and sq_kflags at 8, 16 and 24.  On no path does this function load them.
	 */
	ck_assert_uint_eq(offsetof(struct ring, sq_khead), 8);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *end = strchr(++line, '\n');
		char copy[256] = "";
		if (!end)
			break;
		snprintf(copy, sizeof(copy), "%.*s", (int)(end - line), line);
		const char *mov = strstr(copy, "mov "), *comma = mov ? strrchr(copy, ',') : NULL;
		const char *memory = mov ? strchr(mov, '(') : NULL;
		if (!comma || !memory || memory > comma || strstr(mov, "rsp"))
			continue;
		loads++; /* a load of memory into a register */
		ck_assert_msg(!strstr(mov, " 0x8(") && !strstr(mov, " 0x10(") &&
				      !strstr(mov, " 0x18("),
			      "%s", copy);
	}
	ck_assert_uint_ge(loads,
			  3); /* sq_tail, sq_head, sq_mask, sqes: or we read nothing at all */
	ck_assert_uint_le(loads, 7);
}
END_TEST

START_TEST(reading_completions_calls_only_the_slow_path)
{
	const char *text;

	if (!in_tree() || !have_tool("objdump") || !have_tool(tool("CC", "gcc")))
		skip("needs the sources, a compiler and objdump");
#ifndef __x86_64__
	skip("reads x86-64 assembly");
#endif
	text = disassemble("turn");
	ck_assert_uint_ge(lines_with(text, "ring_reap_slowly"), 1);
	ck_assert_msg(lines_with(text, "R_X86_64_PLT32") == lines_with(text, "ring_reap_slowly"),
		      "%s", text);
}
END_TEST

START_TEST(waiting_is_one_system_call_in_line_and_calls_only_the_slow_paths)
{
	const char *text;

	if (!in_tree() || !have_tool("objdump") || !have_tool(tool("CC", "gcc")))
		skip("needs the sources, a compiler and objdump");
#ifndef __x86_64__
	skip("reads x86-64 assembly");
#endif
	text = disassemble("await");
	ck_assert_msg(lines_with(text, "syscall") == 1, "%s", text);
	ck_assert_uint_ge(lines_with(text, "ring_wait_rest"), 1);
	ck_assert_uint_ge(lines_with(text, "ring_submit_wait_mask"), 1);
	ck_assert_msg(lines_with(text, "R_X86_64_PLT32") ==
			      lines_with(text, "ring_wait_rest") +
				      lines_with(text, "ring_submit_wait_mask"),
		      "%s", text);
}
END_TEST

/* build/FLAVOUR, from this program's own path. */
static void archive(char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(n, 0);
	self[n] = 0;
	snprintf(path, PATH_MAX, "%.3000s/../libring.a", dirname(self));
}

START_TEST(the_archive_needs_no_io_uring_library)
{
	char path[PATH_MAX], command[PATH_MAX + 64];
	const char *text;

	archive(path);
	if (!have_tool("nm") || access(path, R_OK) != 0)
		skip("needs nm and libring.a");
	snprintf(command, sizeof(command), "nm %s", path);
	text = output(command);
	ck_assert_ptr_nonnull(strstr(text, "ring_submit_wait"));
	ck_assert_ptr_null(strstr(text, "io_uring_queue_init"));
	ck_assert_ptr_null(strstr(text, "__io_uring_get_cqe"));
	ck_assert_ptr_null(strstr(text, " io_uring_"));
	ck_assert_ptr_null(strstr(text, "liburing"));
}
END_TEST

START_TEST(the_sources_include_neither_the_systems_header_nor_anything_above_base)
{
	if (!in_tree())
		skip("needs the sources");
	/* grep fails when it finds nothing, which is what is wanted */
	ck_assert_int_ne(
		system("grep -rE '#[ ]*include[ ]*<(linux/io_uring|liburing)' src examples tests | "
		       "grep -qv '^tests/bench/liburing.c:'"),
		0);
	ck_assert_int_ne(system("grep -rhE '#[ ]*include[ ]*\"' src/ring | "
				"grep -qvE '\"(ring|base)/'"),
			 0);
	ck_assert_int_ne(system("grep -rhE '#[ ]*include[ ]*\"' examples | "
				"grep -qvE '\"(ring/|listen.h)'"),
			 0);
}
END_TEST

START_TEST(every_public_header_compiles_alone_with_no_warning)
{
	char command[512];

	if (!in_tree() || !have_tool(tool("CC", "gcc")))
		skip("needs the sources and a compiler");
	snprintf(
		command, sizeof(command),
		"for h in src/ring/*.h; do %s -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -Isrc "
		"-fsyntax-only -x c -include $h /dev/null || exit 1; done",
		tool("CC", "gcc"));
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Or it stands under a macro that does: a function begins at the margin. */
START_TEST(every_public_function_says_what_it_does)
{
	if (!in_tree())
		skip("needs the sources");
	ck_assert_int_eq(system("awk '/^[a-z].*[(]/ && !/^(for|__attribute)/ && "
				"FILENAME !~ /internal|uapi|syscall/ && "
				"before !~ /[*][/]$|^#define|always_inline/ "
				"{ print FILENAME \": \" $0; bad = 1 } "
				"{ before = $0 } END { exit bad }' src/ring/*.h"),
			 0);
}
END_TEST

SUITE("ring inline",
      taking_and_filling_an_entry_calls_only_the_slow_path_and_reads_no_shared_memory,
      reading_completions_calls_only_the_slow_path,
      waiting_is_one_system_call_in_line_and_calls_only_the_slow_paths,
      the_archive_needs_no_io_uring_library,
      the_sources_include_neither_the_systems_header_nor_anything_above_base,
      every_public_header_compiles_alone_with_no_warning, every_public_function_says_what_it_does)
