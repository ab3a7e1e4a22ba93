#include "support/dns_write.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_SIZE = 12 };

static const struct {
	const char *name;
	unsigned type;
} types[] = {{"A", ns_t_a},     {"AAAA", ns_t_aaaa}, {"CNAME", ns_t_cname}, {"SRV", ns_t_srv},
	     {"SOA", ns_t_soa}, {"NS", ns_t_ns},     {"TXT", ns_t_txt}};

static unsigned type_of(const char *word)
{
	for (size_t i = 0; i < array_size(types); i++)
		if (!strcmp(types[i].name, word))
			return types[i].type;
	return (unsigned)strtoul(word, NULL, 10);
}

static void put(struct dns_write *message, const void *bytes, size_t size)
{
	message->full |= message->size + size > sizeof(message->bytes);
	if (message->full)
		return;
	memcpy(message->bytes + message->size, bytes, size);
	message->size += size;
}

static void put_16(struct dns_write *message, unsigned value)
{
	put(message, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put_32(struct dns_write *message, unsigned long value)
{
	put_16(message, (unsigned)(value >> 16) & 0xffff);
	put_16(message, (unsigned)value & 0xffff);
}

/* "@N" is a pointer to there. */
static void put_name(struct dns_write *message, const char *name)
{
	uint8_t bytes[NS_MAXCDNAME];
	int size;

	if (*name == '@') {
		put_16(message, 0xc000 | (unsigned)strtoul(name + 1, NULL, 10));
		return;
	}
	size = ns_name_compress(name, bytes, sizeof(bytes), NULL, NULL);
	assert(size > 0);
	put(message, bytes, (size_t)size);
}

static void count(struct dns_write *message, unsigned section)
{
	uint8_t *at = message->bytes + 4 + 2 * section;
	unsigned counted = ns_get16(at) + 1;

	at[0] = (uint8_t)(counted >> 8);
	at[1] = (uint8_t)counted;
}

static void put_hex(struct dns_write *message, const char *text)
{
	unsigned byte;

	for (; sscanf(text, "%2x", &byte) == 1; text += 2)
		put(message, &(uint8_t){(uint8_t)byte}, 1);
}

static void put_zone(struct dns_write *message, const char *data)
{
	put_name(message, "ns.example");
	put_name(message, "root.example");
	for (int i = 0; i < 4; i++)
		put_32(message, 7);
	put_32(message, strtoul(data, NULL, 10));
}

static void put_data(struct dns_write *message, unsigned type, const char *data)
{
	unsigned priority, weight, port;
	uint8_t ip[16];
	char name[NS_MAXDNAME];

	if (!strncmp(data, "hex ", 4))
		put_hex(message, data + 4);
	else if (type == ns_t_a && inet_pton(AF_INET, data, ip) == 1)
		put(message, ip, 4);
	else if (type == ns_t_aaaa && inet_pton(AF_INET6, data, ip) == 1)
		put(message, ip, 16);
	else if (type == ns_t_soa)
		put_zone(message, data);
	else if (type == ns_t_srv &&
		 sscanf(data, "%u %u %u %1000s", &priority, &weight, &port, name) == 4) {
		put_16(message, priority);
		put_16(message, weight);
		put_16(message, port);
		put_name(message, name);
	} else if (type == ns_t_cname || type == ns_t_ns)
		put_name(message, data);
}

static void put_record(struct dns_write *message, unsigned section, const char *line)
{
	char owner[NS_MAXDNAME], word[16];
	unsigned long ttl;
	size_t size_at;
	int used = 0;

	if (sscanf(line, "%1000s %lu %15s %n", owner, &ttl, word, &used) < 3)
		return;
	count(message, section);
	put_name(message, owner);
	put_16(message, type_of(word));
	put_16(message, ns_c_in);
	put_32(message, ttl);
	size_at = message->size;
	put_16(message, 0);
	put_data(message, type_of(word), line + used);
	if (message->full)
		return;
	message->bytes[size_at] = (uint8_t)((message->size - size_at - 2) >> 8);
	message->bytes[size_at + 1] = (uint8_t)(message->size - size_at - 2);
}

static void put_question(struct dns_write *message, const char *line)
{
	char name[NS_MAXDNAME], word[16];

	if (sscanf(line, "%1000s %15s", name, word) < 2)
		return;
	count(message, 0);
	put_name(message, name);
	put_16(message, type_of(word));
	put_16(message, ns_c_in);
}

void dns_write_line(struct dns_write *message, const char *line)
{
	static const char *const sections[] = {"question", "answer", "authority", "besides"};
	size_t length = strcspn(line, " ");

	if (!strncmp(line, "rcode ", 6))
		message->bytes[3] |= (uint8_t)strtoul(line + 6, NULL, 10);
	if (!strcmp(line, "flags tc"))
		message->bytes[2] |= 2;
	if (!strcmp(line, "flags query"))
		message->bytes[2] &= 0x7f;
	if (!strncmp(line, "question ", 9))
		put_question(message, line + 9);
	for (unsigned i = 1; i < array_size(sections); i++)
		if (strlen(sections[i]) == length && !strncmp(line, sections[i], length))
			put_record(message, i, line + length + 1);
}

void dns_write(struct dns_write *ret_message, const char *lines)
{
	char *copy = strdup(lines), *save = NULL;

	assert(copy);
	memset(ret_message->bytes, 0, HEADER_SIZE);
	ret_message->bytes[2] = 0x81; /* an answer, asked for recursively */
	ret_message->bytes[3] = 0x80;
	ret_message->size = HEADER_SIZE;
	ret_message->full = false;
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		dns_write_line(ret_message, line);
	free(copy);
}
