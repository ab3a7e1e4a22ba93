/* What listening sockets can be told, as others see it. */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/network.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOON_MS     15000 /* much longer than anything here should take */
#define NO_NETWORKS "cannot have networks of its own"

/* From far, whether whoever is there sends back what is sent. */
static bool echoes(const char *address)
{
	int fd;
	bool good;

	network_go_far();
	fd = peer_connect(address);
	network_go_near();
	good = fd >= 0 && peer_echoes(fd);
	if (fd >= 0)
		close(fd);
	return good;
}

static int from_far(const char *address)
{
	int fd;

	network_go_far();
	fd = peer_connect(address);
	network_go_near();
	return fd;
}

static bool is_refused(const char *address)
{
	int fd = from_far(address);

	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED;
}

static bool says(int fd, const char *text)
{
	char said[512];
	bool right = peer_send_text(fd, "GET / HTTP/1.0\r\n\r\n") == 0 &&
		     peer_receive_text(fd, said, sizeof(said), NULL) >= 0 && strstr(said, text);

	close(fd);
	return right;
}

/* ---- Interfaces ------------------------------------------------------------------------------ */

START_TEST(each_interface_has_its_own_section_on_the_same_port)
{
	struct daemon *daemon;

	if (!network_pair())
		SKIP_TEST(NO_NETWORKS);
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = 80 interface=near0\n"
						 "[responder]\nlisten = 80 interface=near1\n");
	ck_assert(echoes("10.9.0.1:80"));
	ck_assert(echoes("[fd09:0::1]:80"));
	ck_assert(says(from_far("10.9.1.1:80"), "200 OK"));
	ck_assert(says(from_far("[fd09:1::1]:80"), "200 OK"));
	ck_assert_int_eq(peer_connect("127.0.0.1:80"), -ECONNREFUSED);
	daemon_stop(daemon);
}
END_TEST

START_TEST(an_interface_that_comes_later_is_listened_on_from_then_on)
{
	static const char *const test_only[] = {"-t", NULL};
	struct daemon *daemon;

	if (!network_pair())
		SKIP_TEST(NO_NETWORKS);
	ck_assert(network_ip("link set near0 down") && network_ip("link set near0 name away"));
	daemon = daemon_spawn(&(struct daemon_options){
		.configuration = "[echo]\nlisten = 80 interface=near0\n"
				 "listen = [fe80::1%near0]:81\n",
		.arguments = test_only,
	});
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_log_count(daemon, "this machine has no interface near0 now"), 2);
	daemon_free(daemon);
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = 80 interface=near0\n"
						 "listen = [fe80::1%%near0]:81\n"
						 "listen = 127.0.0.1:82\n");
	ck_assert_uint_eq(daemon_log_count(daemon, "not listening on 80: this machine has no "
						   "interface near0; that is tried again"),
			  1);
	ck_assert_uint_eq(daemon_log_count(daemon, "not listening on [fe80::1%near0]:81: this "
						   "machine has no interface near0"),
			  1);
	ck_assert(network_ip("link set away name near0") && network_ip("link set near0 up") &&
		  network_ip("address replace fe80::1/64 dev near0 nodad"));
	ck_assert(wait_until(echoes("10.9.0.1:80"), SOON_MS));
	ck_assert(wait_until(echoes("[fe80::1%far0]:81"), SOON_MS));
	daemon_stop(daemon);
}
END_TEST

START_TEST(another_interface_is_another_socket_at_a_reload)
{
	struct daemon *daemon;
	int held;

	if (!network_pair())
		SKIP_TEST(NO_NETWORKS);
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = 80\n");
	ck_assert(echoes("10.9.0.1:80") && echoes("10.9.1.1:80"));
	held = from_far("10.9.1.1:80");
	ck_assert(peer_echoes(held));
	edition_adopt("[echo]\nlisten = 80 interface=near0\n");
	ck_assert(echoes("10.9.0.1:80"));
	ck_assert(wait_until(is_refused("10.9.1.1:80"), SOON_MS));
	ck_assert(peer_echoes(held)); /* who is served stays so */
	edition_adopt("[echo]\nlisten = 80 interface=near1\n");
	ck_assert(wait_until(is_refused("10.9.0.1:80"), SOON_MS));
	ck_assert(echoes("10.9.1.1:80"));
	edition_adopt("[echo]\nlisten = 80\n");
	for (int i = 0; i < 8; i++)
		ck_assert(echoes("10.9.0.1:80") && echoes("10.9.1.1:80"));
	/* Of one address, the narrower sockets are followed. */
	edition_adopt("[echo]\nlisten = 10.9.0.1:80 interface=near0\n");
	ck_assert(echoes("10.9.0.1:80"));
	edition_adopt("[responder]\nlisten = 10.9.0.1:80\n");
	ck_assert(says(from_far("10.9.0.1:80"), "200 OK"));
	close(held);
	daemon_stop(daemon);
}
END_TEST

START_TEST(an_interface_that_was_made_anew_is_listened_on_after_a_reload)
{
	struct daemon *daemon;

	if (!network_pair())
		SKIP_TEST(NO_NETWORKS);
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = 80 interface=near0\n"
						  "listen = [fe80::1%%near0]:81\n");
	ck_assert(echoes("10.9.0.1:80"));
	ck_assert(echoes("[fe80::1%far0]:81"));
	ck_assert(network_ip("link set near0 down") && network_ip("link set near0 name old0"));
	ck_assert(network_ip("link set near1 down") && network_ip("link set near1 name near0") &&
		  network_ip("link set near0 up") &&
		  network_ip("address replace fe80::1/64 dev near0 nodad"));
	ck_assert(is_refused("10.9.1.1:80")); /* nothing comes to the sockets of the old one */
	edition_adopt("[echo]\nlisten = 80 interface=near0\n"
		      "listen = [fe80::1%%near0]:81\n");
	ck_assert(echoes("10.9.1.1:80"));
	ck_assert(echoes("[fe80::1%far1]:81"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_server_on_the_link_is_found_by_the_name_of_its_interface)
{
	struct daemon *daemon;
	struct server *server;

	if (!network_pair())
		SKIP_TEST(NO_NETWORKS);
	network_go_far();
	server = server_start("[fe80::2%far0]:9", server_echo, NULL);
	network_go_near();
	ck_assert_ptr_nonnull(server);
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy]\nlisten = 127.0.0.1:80\nserver = [fe80::2%%near0]:9\n"
			      "check = tcp\ncheck_every = 100ms\ncheck_timeout = 100ms\n");
	int fd = peer_connect("127.0.0.1:80");
	ck_assert(peer_echoes(fd));
	close(fd);
	/* It is asked for each time, so that a server stays what it is. */
	ck_assert(network_ip("link set near0 down") && network_ip("link set near0 name old0"));
	ck_assert(wait_until(daemon_log_contains(daemon, "No such device"), SOON_MS));
	ck_assert(network_ip("link set old0 name near0") && network_ip("link set near0 up") &&
		  network_ip("address replace fe80::1/64 dev near0 nodad"));
	ck_assert(wait_until(({
				     fd = peer_connect("127.0.0.1:80");
				     bool served = peer_echoes(fd);
				     close(fd);
				     served;
			     }),
			     SOON_MS));
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

/* ---- Families -------------------------------------------------------------------------------- */

START_TEST(a_port_of_ipv6_only_leaves_that_of_ipv4_to_another)
{
	struct daemon *daemon;

	if (!network_pair())
		SKIP_TEST(NO_NETWORKS);
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = 80-81 v6only\n"
						 "[responder]\nlisten = 0.0.0.0:80\n");
	ck_assert(echoes("[fd09:0::1]:80") && echoes("[fd09:1::1]:81"));
	ck_assert(says(from_far("10.9.0.1:80"), "200 OK"));
	ck_assert(is_refused("10.9.0.1:81"));
	daemon_stop(daemon);
}
END_TEST

/* ---- What connections have from it ----------------------------------------------------------- */

/* The type of service that a connection to there gets. */
static int tos_to(const char *address, unsigned port)
{
	int watch, fd, tos;

	network_go_far();
	watch = network_watch(strchr(address, '[') ? "far1" : "far0");
	network_go_near();
	fd = from_far(address);
	ck_assert(fd >= 0 && peer_echoes(fd));
	tos = network_tos_seen(watch, port);
	close(fd);
	close(watch);
	return tos;
}

START_TEST(every_packet_of_a_connection_has_the_type_of_service)
{
	struct daemon *daemon;

	if (!network_pair())
		SKIP_TEST(NO_NETWORKS);
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = 80 tos=af21\n"
						  "listen = 10.9.0.1:81\nlisten = [fd09:1::1]:81 "
						  "tos=0x20\nlisten = 127.0.0.1:82 tos=ef\n");
	ck_assert_int_eq(tos_to("10.9.0.1:80", 80), 18 << 2);
	ck_assert_int_eq(tos_to("[fd09:1::1]:80", 80), 18 << 2);
	ck_assert_int_eq(tos_to("10.9.0.1:81", 81), 0);
	ck_assert_int_eq(tos_to("[fd09:1::1]:81", 81), 0x20);
	/* A reload changes it for those who come then, and takes it back. */
	edition_adopt("[echo]\nlisten = 80 tos=ef\nlisten = 10.9.0.1:81 tos=le\n"
		      "listen = [fd09:1::1]:81\n");
	ck_assert_int_eq(tos_to("10.9.0.1:80", 80), 46 << 2);
	ck_assert_int_eq(tos_to("[fd09:1::1]:80", 80), 46 << 2);
	ck_assert_int_eq(tos_to("10.9.0.1:81", 81), 1 << 2);
	ck_assert_int_eq(tos_to("[fd09:1::1]:81", 81), 0);
	daemon_stop(daemon);
}
END_TEST

static bool is_silent(int fd, int patience_ms)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	return poll(&readable, 1, patience_ms) == 0;
}

START_TEST(who_says_nothing_is_accepted_later)
{
	struct daemon *daemon;
	int64_t began_ms;
	char said[8];
	int fd;

	if (!network_pair())
		SKIP_TEST(NO_NETWORKS);
	daemon = edition_start(&daemon_modes[_i],
			       "[chargen]\nlisten = 80 defer_accept\nlisten = 81\n");
	fd = from_far("10.9.0.1:81");
	ck_assert(!is_silent(fd, SOON_MS));
	close(fd);
	began_ms = clock_ms();
	fd = from_far("10.9.0.1:80");
	ck_assert(is_silent(fd, 300) || clock_ms() - began_ms >= 1000);
	ck_assert_int_eq(peer_send_text(fd, "x"), 0);
	ck_assert(!is_silent(fd, SOON_MS));
	close(fd);
	/* Not for ever: the kernel gives up after about 3 s. */
	fd = from_far("[fd09:0::1]:80");
	ck_assert(!is_silent(fd, SOON_MS));
	ck_assert_int_gt(recv(fd, said, sizeof(said), 0), 0);
	close(fd);
	edition_adopt("[chargen]\nlisten = 80\nlisten = 81 defer_accept\n");
	fd = from_far("10.9.0.1:80");
	ck_assert(!is_silent(fd, SOON_MS));
	close(fd);
	began_ms = clock_ms();
	fd = from_far("10.9.0.1:81");
	ck_assert(is_silent(fd, 300) || clock_ms() - began_ms >= 1000);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* Sockets that listen on that port with such a backlog. */
static int count_backlogs(unsigned port, unsigned backlog)
{
	char command[200];
	FILE *pipe;
	int count = -1;

	snprintf(command, sizeof(command),
		 "ss -Hltn 'sport = :%u' | awk '$3 == %u { n++ } END { print n + 0 }'", port,
		 backlog);
	pipe = popen(command, "re");
	if (pipe && fscanf(pipe, "%d", &count) != 1)
		count = -1;
	if (pipe)
		pclose(pipe);
	return count;
}

START_TEST(a_line_may_have_a_backlog_of_its_own)
{
	struct daemon *daemon;
	unsigned long before[8], now[8];
	unsigned count, workers = daemon_modes[_i].workers;

	if (!network_pair())
		SKIP_TEST(NO_NETWORKS);
	daemon = edition_start(&daemon_modes[_i], "[echo]\nbacklog = 33\nlisten = 127.0.0.1:80\n"
						  "listen = 127.0.0.1:81 backlog=17\n");
	ck_assert_int_eq(count_backlogs(80, 33), (int)workers);
	ck_assert_int_eq(count_backlogs(81, 17), (int)workers);
	count = edition_sockets("127.0.0.1:81", before, 8);
	ck_assert_uint_eq(count, workers);
	edition_adopt("[echo]\nbacklog = 33\nlisten = 127.0.0.1:80 backlog=9\n"
		      "listen = 127.0.0.1:81\n");
	ck_assert_int_eq(count_backlogs(80, 9), (int)workers);
	ck_assert_int_eq(count_backlogs(81, 33), (int)workers);
	ck_assert_uint_eq(edition_sockets("127.0.0.1:81", now, 8), count);
	ck_assert_mem_eq(before, now, count * sizeof(*now)); /* the very same sockets */
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: listen options", 90,
	 IN_EACH_MODE(each_interface_has_its_own_section_on_the_same_port),
	 IN_BOTH_RINGS(an_interface_that_comes_later_is_listened_on_from_then_on),
	 IN_BOTH_RINGS(another_interface_is_another_socket_at_a_reload),
	 IN_BOTH_RINGS(an_interface_that_was_made_anew_is_listened_on_after_a_reload),
	 IN_BOTH_RINGS(a_server_on_the_link_is_found_by_the_name_of_its_interface),
	 IN_BOTH_RINGS(a_port_of_ipv6_only_leaves_that_of_ipv4_to_another),
	 IN_EVERY_WAY(every_packet_of_a_connection_has_the_type_of_service),
	 IN_EVERY_WAY(who_says_nothing_is_accepted_later),
	 IN_EACH_MODE(a_line_may_have_a_backlog_of_its_own))
