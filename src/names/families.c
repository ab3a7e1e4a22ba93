#include "names/families.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESSES_MAX  256
#define LINES_MAX      8192
#define ADDRESS_DIGITS 32

/* 1: it has, 0: it has not, -1: nobody can say. */
static int has_v4(void)
{
	struct ifreq requests[ADDRESSES_MAX];
	struct ifconf list = {.ifc_len = sizeof(requests), .ifc_req = requests};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), found = 0;

	if (fd < 0)
		return -1;
	if (ioctl(fd, SIOCGIFCONF, &list) < 0)
		found = -1;
	close(fd);
	for (size_t i = 0; found == 0 && i < (size_t)list.ifc_len / sizeof(*requests); i++) {
		struct sockaddr_in address;

		memcpy(&address, &requests[i].ifr_addr, sizeof(address));
		found = address.sin_family == AF_INET &&
			ntohl(address.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
	}
	return found;
}

/* "20010db8000000000000000000000007 02 40 00 80 eth0": the fourth is the scope, 00 is global. */
static bool is_global(const char *line)
{
	char *end;

	if (strspn(line, "0123456789abcdef") != ADDRESS_DIGITS)
		return false;
	line += ADDRESS_DIGITS;
	for (int field = 0; field < 3; field++, line = end)
		if (strtoul(line, &end, 16) == 0 && field == 2)
			return end != line;
	return false;
}

bool families_has_v6(const char *lines)
{
	for (; *lines; lines += strcspn(lines, "\n"), lines += *lines == '\n')
		if (is_global(lines))
			return true;
	return false;
}

/* Without the file there is no IPv6; one that is longer than is read says enough. */
static int has_v6(void)
{
	char lines[LINES_MAX];
	int fd = open("/proc/net/if_inet6", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return access("/proc/net", F_OK) == 0 ? 0 : -1;
	n = read(fd, lines, sizeof(lines) - 1);
	close(fd);
	if (n < 0)
		return -1;
	lines[n] = '\0';
	return families_has_v6(lines);
}

unsigned families_here(void)
{
	unsigned families = (has_v4() ? NAME_HAS_V4 : 0) | (has_v6() ? NAME_HAS_V6 : 0);

	return families ? families : NAME_HAS_BOTH;
}
