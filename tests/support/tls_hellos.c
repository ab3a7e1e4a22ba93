#include "support/tls_hellos.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "tests/vectors/tls-hello.txt"
#define BAR       " | "

static struct tls_hello hellos[TLS_HELLOS_COUNT];
static size_t count;

/* The field there, and the next one; the last has no bar behind it. */
static char *take_field(char **at)
{
	char *field = *at, *bar = strstr(field, BAR);

	if (bar) {
		*bar = '\0';
		*at = bar + strlen(BAR);
	}
	return field;
}

/* Hex, with <XX*N> for those two digits N times, which need not be a byte of their own. */
static size_t read_hex(const char *hex, unsigned char *bytes, size_t room)
{
	size_t digits = 0;

	while (*hex) {
		char pair[3] = "";
		unsigned times = 1;
		int used = 1;

		if (*hex != '<')
			*pair = *hex;
		else if (sscanf(hex, "<%2[0-9a-f]*%u>%n", pair, &times, &used) != 2)
			errx(1, FILE_NAME ": no hex: %.20s", hex);
		hex += used;
		for (; times; times--)
			for (const char *digit = pair; *digit; digit++, digits++) {
				unsigned value = (unsigned)(*digit <= '9' ? *digit - '0'
									  : *digit - 'a' + 10);

				if (digits / 2 >= room || value > 15)
					errx(1, FILE_NAME ": longer than it says, or no hex");
				bytes[digits / 2] =
					(unsigned char)(digits % 2 ? bytes[digits / 2] | value
								   : value << 4);
			}
	}
	return digits / 2;
}

static void read_line(char *line)
{
	struct tls_hello *hello = &hellos[count++];
	size_t said;

	if (count > TLS_HELLOS_COUNT)
		errx(1, FILE_NAME " has more than the header says");
	snprintf(hello->name, sizeof(hello->name), "%s", take_field(&line));
	said = strtoul(take_field(&line), NULL, 10);
	snprintf(hello->ours, sizeof(hello->ours), "%s", take_field(&line));
	take_field(&line);
	take_field(&line);
	hello->bytes = malloc(said);
	if (!hello->bytes)
		errx(1, "no memory");
	hello->length = read_hex(line, hello->bytes, said);
	if (hello->length != said)
		errx(1, FILE_NAME ": %s has %zu bytes, not %zu", hello->name, hello->length, said);
}

const struct tls_hello *tls_hellos(void)
{
	FILE *file = count ? NULL : fopen(FILE_NAME, "re");
	char *line = NULL;
	size_t room = 0;

	if (count)
		return hellos;
	if (!file)
		err(1, FILE_NAME);
	while (getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (*line && *line != '#')
			read_line(line);
	}
	free(line);
	fclose(file);
	if (count != TLS_HELLOS_COUNT)
		errx(1, FILE_NAME " has %zu, not %d", count, TLS_HELLOS_COUNT);
	return hellos;
}

const struct tls_hello *tls_hello(const char *name)
{
	const struct tls_hello *all = tls_hellos();

	for (size_t i = 0; i < TLS_HELLOS_COUNT; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	errx(1, FILE_NAME " has no %s", name);
}
