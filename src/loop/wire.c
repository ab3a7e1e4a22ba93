#include "loop/wire.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define NO_MIN_RTT UINT32_MAX /* what the kernel says before the first measurement */

bool wire_look(int fd, struct wire *ret_wire)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	*ret_wire = (struct wire){0};
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return false;
	*ret_wire = (struct wire){
		.rtt_us = info.tcpi_rtt,
		.rtt_min_us = info.tcpi_min_rtt == NO_MIN_RTT ? 0 : info.tcpi_min_rtt,
		.retransmits = info.tcpi_total_retrans,
		.lost = info.tcpi_lost,
		.delivery_rate = info.tcpi_delivery_rate,
	};
	return true;
}
