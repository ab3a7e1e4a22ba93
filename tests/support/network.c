#include "support/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool network_set_loopback(bool up)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = (short)(up ? IFF_UP : 0)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;

	close(fd);
	return done;
}

bool network_own(void)
{
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	return network_set_loopback(true);
}

bool network_set(const char *name, const char *value)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, value, strlen(value)) > 0;
	close(fd);
	return done;
}

/* ---- Two of them ----------------------------------------------------------------------------- */

static int near_fd = -1, far_fd = -1;

bool network_ip(const char *format, ...)
{
	char command[300] = "ip ";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, arguments);
	va_end(arguments);
	return system(command) == 0;
}

void network_go_far(void)
{
	if (setns(far_fd, CLONE_NEWNET) < 0)
		abort();
}

void network_go_near(void)
{
	if (setns(near_fd, CLONE_NEWNET) < 0)
		abort();
}

static bool set_up(const char *interface, unsigned wire, unsigned last)
{
	return network_ip("address add 10.9.%u.%u/24 dev %s", wire, last, interface) &&
	       network_ip("address add fd09:%u::%u/64 dev %s nodad", wire, last, interface) &&
	       network_ip("link set %s addrgenmode none", interface) &&
	       network_ip("address add fe80::%u/64 dev %s nodad", last, interface) &&
	       network_ip("link set %s up", interface);
}

static bool lay_wire(unsigned wire)
{
	char near[16], far[16];
	bool laid;

	snprintf(near, sizeof(near), "near%u", wire);
	snprintf(far, sizeof(far), "far%u", wire);
	laid = network_ip("link add %s type veth peer name %s", near, far) &&
	       network_ip("link set %s netns /proc/%d/fd/%d", far, getpid(), far_fd) &&
	       set_up(near, wire, 1);
	network_go_far();
	laid = laid && set_up(far, wire, 2);
	network_go_near();
	return laid;
}

bool network_pair(void)
{
	bool laid;

	if (!network_own())
		return false;
	near_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (near_fd < 0 || unshare(CLONE_NEWNET) < 0 || !network_set_loopback(true))
		return false;
	far_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	network_go_near();
	laid = lay_wire(0) && lay_wire(1);
	if (!laid)
		fprintf(stderr, "the wires of the test cannot be laid\n");
	return laid;
}

int network_watch(const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));

	address.sll_ifindex = (int)if_nametoindex(interface);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	return fd;
}

/* Of a packet from that port, or -1. */
static int tos_of(const unsigned char *packet, size_t size, unsigned port)
{
	size_t header = sizeof(struct ip6_hdr);
	int tos = (packet[0] & 0xf) << 4 | packet[1] >> 4;

	if (packet[0] >> 4 == 4) {
		header = 4 * (packet[0] & 0xf);
		tos = packet[1];
	}
	if (size < header + 4 || (unsigned)(packet[header] << 8 | packet[header + 1]) != port)
		return -1;
	return tos & ~3;
}

int network_tos_seen(int watch, unsigned port)
{
	unsigned char packet[2048];
	ssize_t size;
	int seen = -1;

	while ((size = recv(watch, packet, sizeof(packet), 0)) > 0) {
		int tos = tos_of(packet, (size_t)size, port);

		if (tos >= 0)
			seen = seen == -1 || seen == tos ? tos : -2;
	}
	return seen;
}
