#include "control/wards.h"

#include "base/clock.h"
#include "config/send_proxy.h"
#include "control/wards_parts.h"
#include "pool/departure.h"
#include "pool/passive.h"
#include "pool/standing.h"

#include "ops/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- What follows ---------------------------------------------------------------------------- */

void ward_changed(struct ward *ward)
{
	ward->pool->stale = true;
	events_call(ward->wards->change);
}

static void on_change(void *owner)
{
	const struct wards *wards = owner;

	wards->means.changed(wards->means.owner);
}

/* Some have started slowly: who has a step more, and when is the next. */
static void on_slow(void *owner)
{
	struct wards *wards = owner;
	uint64_t now_ms = clock_now_ms(), next_ms = UINT64_MAX;

	for (struct list *at = wards->list.next; at != &wards->list; at = at->next) {
		struct ward *ward = container_of(at, struct ward, link);
		struct vitals *vitals = &ward->server->vitals;
		uint64_t due_ms;

		if (!vitals->starts_ms)
			continue;
		ward_changed(ward);
		due_ms = vitals_next_ms(vitals, now_ms);
		if (due_ms == UINT64_MAX)
			vitals->starts_ms = 0;
		next_ms = due_ms < next_ms ? due_ms : next_ms;
	}
	events_set(wards->slow, next_ms);
}

static void start(struct ward *ward)
{
	uint32_t slow_ms = ward->line->slow_start_ms;

	vitals_start(&ward->server->vitals, slow_ms, clock_now_ms());
	if (slow_ms)
		events_set(ward->wards->slow, 0);
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static void fall(struct ward *ward, const struct check_news *news)
{
	struct server *server = ward->server;

	server->vitals.down = true;
	server->vitals.changed_ms = news->last->at_ms;
	(void)passive_ends(server, server->passive); /* its check says more */
	pool_count(ward->pool);
	ward_tell_down(ward, news);
	ward_changed(ward);
	if (ward->pool->config->settings.on_down == CONFIG_ON_DOWN_RESET)
		ward_end_connections(ward, REASON_SERVER_DOWN);
	else if (ward->pool->config->settings.on_down == CONFIG_ON_DOWN_DRAIN &&
		 ward->wards->config->drain_timeout_ms)
		events_set_in(ward->drain, ward->wards->config->drain_timeout_ms);
}

static void rise(struct ward *ward, const struct check_news *news)
{
	struct vitals *vitals = &ward->server->vitals;
	uint64_t was_ms = news->last->at_ms - vitals->changed_ms;

	vitals->down = false;
	vitals->changed_ms = news->last->at_ms;
	events_set(ward->drain, EVENTS_NEVER);
	start(ward);
	pool_count(ward->pool);
	ward_tell_up(ward, news, was_ms);
	ward_changed(ward);
	if (ward->pool->config->settings.on_up == CONFIG_ON_UP_RESET)
		ward_end_backups(ward);
}

static void on_check(void *owner, const struct check_news *news)
{
	struct ward *ward = owner;
	struct server *server = ward->server;
	bool good = check_is_good(news->last->code);

	/* What has failed before is answered by that. */
	atomic_fetch_and(&server->news, ~(uint32_t)(SERVER_FAILED | SERVER_REFUSED));
	ward->heard = 0;
	ward->failures += !good && check_counts(news->last->code);
	ward_say_result(ward, news);
	health_words(news->health, ward->health);
	if (ward->wards->config->log_checks == CONFIG_LOG_CHECKS_ALL)
		ward_tell_check(ward, news);
	if (good && address_is_same(news->address, &server->address))
		server_found_well(server, news->last->at_ms);
	if (good && passive_ends(server, server->passive))
		ward_tell_back(ward, true);
	if (news->health->known && health_is_up(news->health) == server->vitals.down) {
		if (server->vitals.down)
			rise(ward, news);
		else
			fall(ward, news);
	}
	if (ward->wards->waits && !wards_wonder(ward->wards))
		events_stop(ward->wards->means.events);
}

static struct address checked_address(const struct ward *ward)
{
	const struct config_endpoint *line = ward->line;
	struct address address = ward->server->address;
	uint16_t port = line->check_port ? line->check_port : address.port;

	if (line->check_address.kind != ADDRESS_NONE)
		address = line->check_address;
	address.port = port;
	if (address.kind == ADDRESS_INET && address.u.any.sa_family == AF_INET)
		address.u.in.sin_port = htons(port);
	else if (address.kind == ADDRESS_INET)
		address.u.in6.sin6_port = htons(port);
	return address;
}

/* Who is asked elsewhere than connections go is somebody else, and is told nothing. */
static enum config_send_proxy header_of(const struct ward *ward)
{
	const struct config_endpoint *line = ward->line;

	if (line->check_port || line->check_address.kind != ADDRESS_NONE)
		return CONFIG_SEND_PROXY_OFF;
	return send_proxy_of(ward->pool->config, line);
}

/* Watch it by the terms of the day, before it is not watched by those of yesterday. */
static void watch(struct ward *ward)
{
	const struct config_settings *settings = &ward->pool->config->settings;
	const struct way *way = ward->way;
	struct checks *checks = ward->wards->checks;
	struct watcher *next =
		ward->watcher == &ward->watchers[0] ? &ward->watchers[1] : &ward->watchers[0];
	const struct check_terms terms = {
		.dialogue = {.check = (enum config_check)settings->check,
			     .request = settings->check_request,
			     .host = settings->check_host,
			     .expect = settings->check_expect,
			     .send = settings->check_send,
			     .user = settings->check_user,
			     .header = header_of(ward)},
		.address = checked_address(ward),
		.departure = way ? way->departure : NULL,
		.every_ms = settings->check_every_ms,
		.fast_ms = settings->check_fast_ms ? settings->check_fast_ms
						   : settings->check_every_ms / 4,
		.timeout_ms = settings->check_timeout_ms,
		.rise = settings->check_rise,
		.fall = settings->check_fall,
	};
	bool checked = settings->check != CONFIG_CHECK_OFF && ward->checked;
	char why[VALUE_WHY_MAX] = "out of memory";

	*next = (struct watcher){.told = on_check, .owner = ward};
	if (checked && checks_watch(checks, next, &terms, why) < 0) {
		log_warning("%s server %s is not checked: %s", ward->server->title,
			    ward->server->text, why);
		checked = false;
		ward->line = NULL; /* the next look tries again */
	}
	checks_unwatch(checks, ward->watcher);
	ward->watcher = next;
	/* What only a check was against is not any more. */
	if (!checked && (settings->check == CONFIG_CHECK_OFF || !ward->line) &&
	    ward->server->vitals.down) {
		ward->server->vitals.down = false;
		ward_changed(ward);
	}
}

/* ---- Who is looked after --------------------------------------------------------------------- */

static void on_drained(void *owner)
{
	ward_end_connections(owner, REASON_SERVER_DOWN);
}

static struct ward *take_on(struct wards *wards, struct server *server)
{
	struct ward *ward = calloc(1, sizeof(*ward));

	if (!ward || events_add_timer(wards->means.events, &ward->drain, on_drained, ward) < 0) {
		(void)log_no_memory("looking after a server");
		free(ward);
		return NULL;
	}
	ward->wards = wards;
	ward->server = server;
	ward->watcher = &ward->watchers[0];
	server->ward = ward;
	list_push(&wards->list, &ward->link);
	return ward;
}

static void let_go(struct ward *ward)
{
	checks_unwatch(ward->wards->checks, ward->watcher);
	events_remove(ward->drain);
	ward->server->ward = NULL;
	list_remove(&ward->link);
	free(ward);
}

static void look_at(struct wards *wards, struct pool *pool, const struct member *member,
		    bool at_start)
{
	const struct standing standing = standing_of(member);
	struct ward *ward = member->server->ward;
	bool joins = !ward, is_same;

	if (joins)
		ward = take_on(wards, member->server);
	if (!ward)
		return;
	is_same = ward->line == member->line && ward->pool == pool &&
		  ward->checked == standing.checked;
	joins |= !ward->took && standing.able;
	ward->pool = pool;
	ward->line = member->line;
	ward->way = member->way;
	ward->tier = member->tier;
	ward->round = wards->round;
	ward->checked = standing.checked;
	ward->took = standing.able;
	/* Only of those that take connections are some ejected. */
	if (!standing.able)
		(void)passive_ends(member->server, member->server->passive);
	if (!is_same)
		watch(ward);
	if (joins && !at_start && ward->line && ward->line->slow_start_ms) {
		start(ward);
		ward_changed(ward);
	}
}

void wards_look(struct wards *wards, const struct edition *edition, bool at_start)
{
	if (!wards->checks)
		return; /* it has ended */
	wards->round++;
	wards->config = edition->config;
	for (uint32_t i = 0; i < edition->pool_count; i++) {
		struct pool *pool = &edition->pools[i];

		for (uint32_t j = 0; j < pool->count; j++)
			if (!pool->members[j].gone_ms && pool->members[j].line)
				look_at(wards, pool, &pool->members[j], at_start);
	}
	for (struct list *at = wards->list.next, *next; at != &wards->list; at = next) {
		struct ward *ward = container_of(at, struct ward, link);

		next = at->next;
		if (ward->round != wards->round)
			let_go(ward);
	}
}

bool wards_wonder(const struct wards *wards)
{
	return checks_unknown(wards->checks) > 0;
}

bool wards_glance(const struct server *server, struct wards_glance *ret_glance)
{
	const struct ward *ward = server->ward;
	struct check_news news;

	if (!ward || !ward->watcher->target || !*ward->result)
		return false;
	news = checks_known(ward->watcher);
	*ret_glance = (struct wards_glance){
		.word = check_code_word(news.last->code),
		.text = ward->result,
		.health = ward->health,
		.took_ns = news.last->duration_us * 1000ull,
		.failures = ward->failures,
	};
	return true;
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void hear(struct ward *ward)
{
	struct server *server = ward->server;
	const uint32_t spells = SERVER_EJECTED | SERVER_STAYS_OUT | SERVER_IS_BACK;
	uint32_t news, fresh;

	if (!atomic_load(&server->news))
		return;
	/* That it fails is news again when a check has looked into it. */
	news = atomic_fetch_and(&server->news, ~spells);
	fresh = news & ~ward->heard;
	ward->heard = news & ~spells;
	if (fresh & (SERVER_FAILED | SERVER_REFUSED))
		checks_hurry(ward->wards->checks, ward->watcher, fresh & SERVER_REFUSED);
	if (news & (SERVER_EJECTED | SERVER_STAYS_OUT))
		ward_tell_out(ward, news & SERVER_EJECTED);
	if (news & SERVER_IS_BACK)
		ward_tell_back(ward, false);
}

void wards_hear(struct wards *wards)
{
	for (struct list *at = wards->list.next; at != &wards->list; at = at->next)
		hear(container_of(at, struct ward, link));
}

/* ---- All of them ----------------------------------------------------------------------------- */

int wards_open(struct wards *wards, const struct wards_means *means)
{
	struct timespec now;
	int r;

	*wards = (struct wards){.means = *means};
	list_init(&wards->list);
	clock_gettime(CLOCK_REALTIME, &now);
	r = checks_open(&wards->checks, means->events,
			(uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	if (r == 0)
		r = events_add_timer(means->events, &wards->change, on_change, wards);
	if (r == 0)
		r = events_add_timer(means->events, &wards->slow, on_slow, wards);
	return r;
}

void wards_close(struct wards *wards)
{
	if (!wards->checks)
		return;
	for (struct list *at = wards->list.next, *next; at != &wards->list; at = next) {
		next = at->next;
		let_go(container_of(at, struct ward, link));
	}
	wards->change = events_remove(wards->change);
	wards->slow = events_remove(wards->slow);
	checks_close(wards->checks);
	wards->checks = NULL;
}
