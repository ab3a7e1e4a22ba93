#include "control/supervisor_parts.h"

#include "base/clock.h"

#include "ops/log.h"
#include "ops/notify.h"

#include <stdlib.h>
#include <sys/epoll.h>

/* ---- Listening sockets ----------------------------------------------------------------------- */

static void offered(struct order *order)
{
	struct accept_order *offer = container_of(order, struct accept_order, order);

	sockets_offer_back(offer);
	free(offer);
}

static struct accept_order *make_offer(const struct supervisor *supervisor, uint32_t worker)
{
	const struct reading *reading = supervisor->reading;
	struct accept_order *offer = calloc(1, sizeof(*offer));

	if (!offer)
		return NULL;
	offer->order.kind = ORDER_LISTEN;
	offer->order.done = offered;
	if (sockets_offer(&reading->sockets, &reading->edition, worker, false, offer) == 0)
		return offer;
	free(offer);
	return NULL;
}

/* To all workers, or to none: an entrance is offered, or is not. */
int supervisor_offer_sockets(struct supervisor *supervisor)
{
	uint32_t count = supervisor->crew.count, made = 0;
	struct accept_order **offers = calloc(count, sizeof(*offers));

	while (offers && made < count && (offers[made] = make_offer(supervisor, made)))
		made++;
	if (made < count) {
		while (made > 0) {
			free(offers[--made]->offers);
			free(offers[made]);
		}
		free(offers);
		return log_no_memory("the listening sockets");
	}
	sockets_offered(&supervisor->reading->sockets);
	for (uint32_t i = 0; i < count; i++)
		crew_send(&supervisor->crew, i, &offers[i]->order);
	free(offers);
	return 0;
}

/* ---- What is missing ------------------------------------------------------------------------- */

uint64_t supervisor_catch_up_ms(const struct supervisor *supervisor)
{
	uint64_t names = resolver_due_ms(&supervisor->reading->resolver);
	uint64_t addresses = sockets_due_ms(&supervisor->reading->sockets);

	uint64_t due = names < addresses ? names : addresses;

	return supervisor->leaving_ms < due ? supervisor->leaving_ms : due;
}

/* Of servers that are gone, those that may leave. */
static void look_at_leaving(struct supervisor *supervisor, uint64_t now_ms)
{
	const struct edition *edition = &supervisor->reading->edition;
	const struct reading *old = NULL;

	if (now_ms < supervisor->leaving_ms)
		return;
	leaving_look(&supervisor->leaving, edition, now_ms);
	while ((old = reload_next_old(supervisor->reload, old)))
		leaving_look(&supervisor->leaving, &old->edition, now_ms);
	leaving_turn(&supervisor->leaving, now_ms);
	supervisor->leaving_ms = leaving_is_due(&supervisor->leaving, edition)
					 ? now_ms + LEAVING_EVERY_MS
					 : UINT64_MAX;
}

static void refresh_pool(struct supervisor *supervisor, struct reading *reading,
			 const struct resolution *answer, const char *change)
{
	const struct reading_means *means = supervisor->plan->means;

	pools_refresh(edition_pool(&reading->edition, answer->section), answer, change,
		      &(struct pool_means){.config = &reading->config,
					   .servers = means->servers,
					   .ledger = means->ledger,
					   .resolver = &reading->resolver},
		      &supervisor->replaced);
	if (supervisor->leaving_ms == UINT64_MAX)
		supervisor->leaving_ms = clock_now_ms() + LEAVING_EVERY_MS;
}

/* Who waits under an old edition, or tries again, is served by what the one of the day knows. */
static bool refresh_old(struct supervisor *supervisor)
{
	struct reading *old = NULL;
	bool any = false;

	while ((old = reload_next_old(supervisor->reload, old))) {
		const struct resolution *answer;

		while ((answer = resolver_learn(&old->resolver, &supervisor->reading->resolver))) {
			refresh_pool(supervisor, old, answer, "");
			any = true;
		}
	}
	return any;
}

/* Names are answered, and addresses come: what was not served is from now on. */
void supervisor_catch_up(void *owner)
{
	struct supervisor *supervisor = owner;
	struct reading *reading = supervisor->reading;
	uint32_t missing = reading->resolver.missing;
	uint32_t waiting = sockets_waiting(&reading->sockets);
	const struct resolution *answer;
	uint64_t now = clock_now_ms();
	bool any = false;

	if (reload_is_adopting(supervisor->reload))
		return; /* adopted() looks again, at another reading */
	while ((answer = resolver_turn(&reading->resolver, now))) {
		any = true;
		if (answer->listens)
			sockets_extend(&reading->sockets, answer);
		else
			refresh_pool(supervisor, reading, answer, reading->resolver.change);
	}
	if (any)
		wards_look(&supervisor->wards, &reading->edition, false);
	if (sockets_turn(&reading->sockets, now))
		(void)!supervisor_offer_sockets(supervisor); /* it has been said */
	if (any || supervisor->old_is_behind)
		any |= refresh_old(supervisor);
	supervisor->old_is_behind = false;
	look_at_leaving(supervisor, now);
	if (any)
		crew_command(&supervisor->crew, ORDER_CATCH_UP);
	if (missing != reading->resolver.missing || waiting != sockets_waiting(&reading->sockets))
		supervisor_tell_status(supervisor, supervisor_tell_later);
	events_set(supervisor->late, supervisor_catch_up_ms(supervisor));
}

static void on_answers(void *owner, uint32_t ready)
{
	(void)ready;
	supervisor_catch_up(owner);
}

int supervisor_hear_answers(struct supervisor *supervisor)
{
	int answers = resolver_descriptor(&supervisor->reading->resolver);

	supervisor->answers = events_remove(supervisor->answers);
	return answers < 0 ? 0
			   : events_add_descriptor(supervisor->events, &supervisor->answers,
						   answers, EPOLLIN, on_answers, supervisor);
}

/* ---- Reloads --------------------------------------------------------------------------------- */

static void adopted(void *owner)
{
	struct supervisor *supervisor = owner;

	supervisor->leaving_ms = 0;
	wards_look(&supervisor->wards, &supervisor->reading->edition, false);
	steering_adopted(&supervisor->steering, &supervisor->reading->edition);
	watch_turn(&supervisor->watch, supervisor->reading);
	pools_in_force(&supervisor->reading->edition);
	supervisor->old_is_behind = true;
	if (supervisor->signals)
		return;
	/* There may be more room at servers than there was. */
	crew_command(&supervisor->crew, ORDER_CATCH_UP);
	if (supervisor_hear_answers(supervisor) < 0)
		log_warning("answers to names are looked for with the next retry only");
	events_set(supervisor->late, supervisor_catch_up_ms(supervisor));
}

static void over(void *owner, const struct reload_result *result)
{
	struct supervisor *supervisor = owner;
	const char *mistake = report_first_mistake(result->said);

	snprintf(supervisor->mistake, sizeof(supervisor->mistake), "%s",
		 result->good ? ""
		 : mistake    ? mistake
			      : "see the log");
	supervisor->watch.sources.reloads++;
	supervisor->watch.sources.reloads_failed += !result->good;
	supervisor->watch.sources.reload_good = result->good;
	supervisor->watch.sources.reloaded_ms = clock_now_ms();
	if (!supervisor->signals)
		supervisor_tell_status(supervisor, notify_ready);
	/* What came late meanwhile. */
	if (!supervisor->signals)
		events_set(supervisor->late, 0);
}

int supervisor_open_reload(struct supervisor *supervisor)
{
	return reload_open(&supervisor->reload, &(struct reload_means){
							.path = supervisor->plan->path,
							.crew = &supervisor->crew,
							.events = supervisor->events,
							.reading = supervisor->plan->means,
							.current = &supervisor->reading,
							.judge = supervisor->plan->judge,
							.adopted = adopted,
							.over = over,
							.owner = supervisor,
						});
}
