/*
 * What a list of addresses costs: to read it from a file, to keep it, and to look up who comes.
 *
 *	bench_lists FAMILY LINES [milliseconds]
 *
 * FAMILY is 4 or 6.  The file has so many networks by chance, in no order.  One line of JSON:
 * milliseconds from the file to what look-ups need ("load_ms"), MB that they need ("mb"), and
 * nanoseconds a look-up of addresses by chance that the list names ("listed_ns") and that it
 * mostly does not ("other_ns"), medians of rounds of so many milliseconds (20).
 */
#include "common.h"

#include "guard/acl.h"

#define LINES_MOST 20000000
#define ROUNDS     9
#define KNOWN      65536 /* addresses that are asked about */

static char path[] = "/tmp/uringproxy-bench-list-XXXXXX";
static struct cidr_number listed[KNOWN], others[KNOWN];

static uint64_t next_random(void)
{
	static uint64_t random = 88172645463325252;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return random;
}

/* A line, and an address that it names. */
static struct cidr_number write_v4(FILE *file)
{
	uint32_t address = (uint32_t)next_random(), length = 20 + (uint32_t)(next_random() % 13);

	address &= UINT32_MAX << (32 - length);
	fprintf(file, "%u.%u.%u.%u/%u\n", address >> 24, address >> 16 & 255, address >> 8 & 255,
		address & 255, length);
	return (struct cidr_number){0, UINT64_C(0xffff) << 32 | address};
}

/* Of the eighth of all that is given out; as long as networks, customers and hosts are. */
static struct cidr_number write_v6(FILE *file)
{
	static const unsigned lengths[] = {32, 48, 48, 56, 64, 64, 64, 128};
	unsigned length = lengths[next_random() % 8];
	uint64_t high = UINT64_C(1) << 61 | next_random() >> 3, low = next_random();
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];

	if (length < 64)
		high &= UINT64_MAX << (64 - length);
	if (length <= 64)
		low = 0;
	for (unsigned i = 0; i < 8; i++) {
		bytes[i] = (unsigned char)(high >> (56 - 8 * i));
		bytes[8 + i] = (unsigned char)(low >> (56 - 8 * i));
	}
	fprintf(file, "%s/%u\n", inet_ntop(AF_INET6, bytes, text, sizeof(text)), length);
	return (struct cidr_number){high, low};
}

static void write_list(bool v6, unsigned long lines)
{
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		err(1, "%s", path);
	for (unsigned long i = 0; i < lines; i++) {
		struct cidr_number number = v6 ? write_v6(file) : write_v4(file);

		if (i < KNOWN || next_random() % (i / KNOWN + 1) == 0)
			listed[i < KNOWN ? i : next_random() % KNOWN] = number;
	}
	for (unsigned i = lines < KNOWN ? (unsigned)lines : KNOWN; i < KNOWN; i++)
		listed[i] = listed[i % lines];
	for (unsigned i = 0; i < KNOWN; i++)
		others[i] = v6 ? (struct cidr_number){UINT64_C(1) << 61 | next_random() >> 3,
						      next_random()}
			       : (struct cidr_number){0, UINT64_C(0xffff) << 32 |
								 (uint32_t)next_random()};
	if (fclose(file) != 0)
		err(1, "%s", path);
}

static double once(const struct acl *acl, const struct cidr_number *asked, uint64_t for_ns)
{
	uint64_t began = now_ns(), now = began, count = 0;
	static volatile bool admitted;

	for (; now < began + for_ns; now = now_ns())
		for (int i = 0; i < 64; i++, count++)
			admitted = acl_ask(acl, asked[next_random() % KNOWN]).admits;
	(void)admitted;
	return (double)(now - began) / (double)count;
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

static double often(const struct acl *acl, const struct cidr_number *asked, uint64_t for_ns)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		values[i] = once(acl, asked, for_ns);
	qsort(values, ROUNDS, sizeof(*values), by_size);
	return values[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	uint64_t for_ns = (argc > 3 ? number_between(argv[3], 1, 10000) : 20) * 1000000, began;
	struct report report = {0};
	struct config config;
	struct acl *acl;
	char text[200];
	double load_ms;

	if (argc < 3 || argc > 4 || (strcmp(argv[1], "4") != 0 && strcmp(argv[1], "6") != 0))
		errx(2, "usage: bench_lists 4|6 LINES [milliseconds]");
	write_list(*argv[1] == '6', number_between(argv[2], 1, LINES_MOST));
	snprintf(text, sizeof(text), "[echo]\nlisten = 1\ndeny = file:%s\n", path);
	if (config_parse(&config, "bench", text, strlen(text), &report) < 0)
		errx(1, "%s", report_first_mistake(&report));
	began = now_ns();
	if (acl_make(&acl, &config, &config.sections[0], &report) < 0)
		errx(1, "%s", report_first_mistake(&report));
	load_ms = (double)(now_ns() - began) / 1e6;
	unlink(path);
	printf("{\"load_ms\": %.0f, \"mb\": %.1f, \"ranges\": %u, ", load_ms,
	       (double)acl_memory(acl) / 1e6, acl_ranges(acl));
	printf("\"listed_ns\": %.0f, \"other_ns\": %.0f}\n", often(acl, listed, for_ns),
	       often(acl, others, for_ns));
	acl_free(acl);
	config_done(&config);
	report_done(&report);
	return 0;
}
