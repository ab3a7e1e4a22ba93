#include "names/hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_KEPT 1024
#define FILE_MAX      ((size_t)16 * 1024 * 1024)

bool hosts_number(const char *text, struct name_record *record)
{
	char address[INET6_ADDRSTRLEN];
	const char *zone = strchr(text, '%');
	size_t length = zone ? (size_t)(zone - text) : strlen(text);

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	memset(record->ip, 0, sizeof(record->ip));
	record->is_v6 = inet_pton(AF_INET6, address, record->ip) == 1;
	record->scope = record->is_v6 && zone ? if_nametoindex(zone + 1) : 0;
	return record->is_v6 || (!zone && inet_pton(AF_INET, address, record->ip) == 1);
}

/* Whether a line, which is taken apart, has the host; *record is its address then. */
static bool line_has(char *line, const char *host, struct name_record *record)
{
	char *save = NULL, *word = strtok_r(line, " \t\r", &save);

	if (!word || !hosts_number(word, record))
		return false;
	while ((word = strtok_r(NULL, " \t\r", &save)))
		if (!strcasecmp(word, host))
			return true;
	return false;
}

int hosts_find(const char *text, const char *host, unsigned families,
	       const struct name_record *pattern, struct name_set *set)
{
	int r = 0;

	while (*text && r == 0) {
		size_t length = strcspn(text, "\n"), used = strcspn(text, "#\n");
		struct name_record record = *pattern;
		char line[LINE_MAX_KEPT];

		if (used < sizeof(line)) {
			memcpy(line, text, used);
			line[used] = '\0';
			if (strcasestr(line, host) && line_has(line, host, &record) &&
			    (families & (record.is_v6 ? NAME_HAS_V6 : NAME_HAS_V4)))
				r = name_set_add(set, &record);
		}
		text += length + (text[length] == '\n');
	}
	return r;
}

char *hosts_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *text = NULL;
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size < FILE_MAX)
		text = malloc((size_t)status.st_size + 1);
	while (text && n > 0 && used < (size_t)status.st_size) {
		n = read(fd, text + used, (size_t)status.st_size - used);
		used += n > 0 ? (size_t)n : 0;
	}
	if (text)
		text[used] = '\0';
	close(fd);
	return text;
}
