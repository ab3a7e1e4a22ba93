#include "session/health.h"

#include "session/section.h"
#include "session/sessions.h"

#include "ops/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* What an error says beyond its name: of a unix socket other things than of an address. */
static const char *advice(int family, int error)
{
	bool is_unix = family == AF_UNIX;

	switch (-error) {
	case EACCES:
		if (is_unix)
			return " (who connects needs write permission on the socket's file and "
			       "search "
			       "permission on its directories: give the daemon's user a group that "
			       "has them, SupplementaryGroups= of the unit, or the socket another "
			       "mode)";
		return " (a firewall rule or a security module forbids it)";
	case EPERM:
		return " (a firewall rule or a security module forbids it)";
	case ENOENT:
		return " (there is no such socket: its server is not running, or the path is "
		       "another)";
	case ECONNREFUSED:
		return is_unix ? " (the socket's file is there, and nobody listens on it)" : "";
	case ENOTSOCK:
		return " (that file is no socket)";
	case EAGAIN:
		return " (more are waiting to be accepted there than its backlog holds)";
	default:
		return "";
	}
}

static const char *title_of(const struct server_health *health)
{
	return health->section->config->title;
}

static const char *text_of(const struct server_health *health)
{
	return health->section->servers[health->server].text;
}

static int family_of(const struct server_health *health)
{
	return health->section->servers[health->server].address.u.any.sa_family;
}

void health_init(struct server_health *health, const struct section *section, uint32_t server)
{
	*health = (struct server_health){.section = section, .server = server};
	shortage_line_init(&health->ports, health, CONDITION_PORTS);
	shortage_line_init(&health->backlog, health, CONDITION_COUNT);
}

void health_failed(struct sessions *all, struct server_health *health, int error)
{
	health->answers = false;
	if (!spell_meet(&health->failing, all->loop->now_ms)) {
		log_debug("%s server %s: %s", title_of(health), text_of(health), strerror(-error));
		return;
	}
	health->connected = 0;
	list_push(&all->failing, &health->link);
	log_warning("%s server %s: %s%s%s", title_of(health), text_of(health),
		    error == -ETIMEDOUT ? "no answer within connect_timeout: " : "cannot connect: ",
		    strerror(-error), advice(family_of(health), error));
}

/* Who stands in line for its backlog is as good as another attempt that failed. */
static bool is_over(struct sessions *all, struct server_health *health)
{
	if (!list_is_empty(&health->backlog.sessions))
		health->failing.last_ms = all->loop->now_ms;
	return all->loop->now_ms >= spell_over_ms(&health->failing);
}

static void recover(struct sessions *all, struct server_health *health)
{
	uint64_t lasted = spell_lasted_ms(&health->failing);
	char between[64] = "";

	if (health->connected > 1)
		snprintf(between, sizeof(between), ", and %u connections between them",
			 health->connected - 1);
	log_info("%s server %s: connected again after %" PRIu64 " failed attempts (in %" PRIu64
		 ".%03" PRIu64 " s%s)",
		 title_of(health), text_of(health), health->failing.met, lasted / 1000,
		 lasted % 1000, between);
	spell_end(&health->failing, all->loop->now_ms);
	list_remove(&health->link);
}

void health_recovered(struct sessions *all, struct server_health *health)
{
	health->connected++;
	health->answers = true;
	if (is_over(all, health))
		recover(all, health);
	else
		condition_settle_by(all->loop, spell_over_ms(&health->failing));
}

void health_returned(struct sessions *all, struct server_health *health)
{
	if (!spell_meet(&health->returning, all->loop->now_ms))
		return;
	list_push(&all->returning, &health->returning_link);
	condition_settle_by(all->loop, spell_over_ms(&health->returning));
	log_warning("%s: a connection came back to the section, and is reset: one of its servers "
		    "leads here again, by itself or through other sections",
		    title_of(health));
}

static void settle_returning(struct sessions *all)
{
	struct list *node = all->returning.next, *next;

	for (; node != &all->returning; node = next) {
		struct server_health *health =
			container_of(node, struct server_health, returning_link);

		next = node->next;
		if (all->loop->now_ms < spell_over_ms(&health->returning)) {
			condition_settle_by(all->loop, spell_over_ms(&health->returning));
			continue;
		}
		log_info("%s: no connection comes back any more (%" PRIu64 " were reset)",
			 title_of(health), health->returning.met);
		spell_end(&health->returning, all->loop->now_ms);
		list_remove(node);
	}
}

void health_settle(struct sessions *all)
{
	struct list *node = all->failing.next, *next;

	settle_returning(all);
	for (; node != &all->failing; node = next) {
		struct server_health *health = container_of(node, struct server_health, link);

		next = node->next;
		if (!health->answers)
			continue; /* nobody knows: the next connection finds out */
		if (is_over(all, health))
			recover(all, health);
		else
			condition_settle_by(all->loop, spell_over_ms(&health->failing));
	}
}
