#include "control/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "uringproxy-listener,"

bool keep_is_on(void)
{
	const char *text = getenv("FDSTORE");

	return text && strtol(text, NULL, 10) > 0;
}

bool keep_is_name(const char *name)
{
	return !strncmp(name, PREFIX, strlen(PREFIX));
}

/* What may not stand in a name, "%2f"; false: there is no room. */
static bool append(char name[KEEP_NAME_MAX], const char *text)
{
	size_t used = strlen(name);

	for (; *text && used + 4 < KEEP_NAME_MAX; text++) {
		unsigned char c = (unsigned char)*text;

		if (c > ' ' && c < 0x7f && c != ':' && c != '%' && c != ',')
			name[used++] = (char)c;
		else
			used += (size_t)snprintf(name + used, KEEP_NAME_MAX - used, "%%%02x", c);
	}
	name[used] = 0;
	return !*text;
}

bool keep_name(const struct address *address, const struct config_endpoint *line,
	       const struct bind_path *path, uint32_t device, char name[KEEP_NAME_MAX])
{
	char text[ADDRESS_TEXT_MAX], file[64];

	if (address->kind == ADDRESS_ANY)
		snprintf(text, sizeof(text), "%u", address->port);
	else
		address_format(address, text, sizeof(text));
	snprintf(name, KEEP_NAME_MAX, PREFIX);
	if (!append(name, text) || !append(name, "/") ||
	    !append(name, line->options ? line->options : ""))
		return false;
	if (!path->inode && !device)
		return true;
	snprintf(file, sizeof(file), "/%llx.%llx.%u", (unsigned long long)path->device,
		 (unsigned long long)path->inode, device);
	return append(name, file);
}
