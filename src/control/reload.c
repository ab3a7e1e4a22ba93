#include "control/reload.h"

#include "config/change.h"
#include "control/enrol.h"
#include "control/judge.h"
#include "control/pools.h"
#include "control/retire.h"
#include "control/tell.h"
#include "loop/socket.h"
#include "session/hop.h"
#include "session/place.h"

#include "ops/log.h"
#include "ops/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum stage { IDLE, ASKING, ADOPTING };

struct reload {
	struct reload_means means;
	enum stage stage;
	bool again, stopping;
	struct reading *next;
	struct list calls, later; /* who is told when this one is over, and the next */
	struct report said, changed;
	struct config_in_force in_force;
	struct event *answers, *patience; /* of the names */
	struct event *soon;       /* another one, when the handler that runs now has returned */
	uint32_t connections_max; /* once it is adopted */
	uint32_t adopting;        /* workers that have not adopted it yet */
	struct retiring retiring;
};

/* ---- Ends ------------------------------------------------------------------------------------ */

/* What parts of the daemon that know nothing of reloads say in the log. */
static void hear(void *owner, enum log_level level, const char *text)
{
	struct reload *reload = owner;

	report_add(&reload->said, level == LOG_LEVEL_ERROR ? REPORT_MISTAKE : REPORT_WARNING,
		   REPORT_NOWHERE, 0, "%s", text);
}

static void tell_calls(struct list *calls, const struct reload_result *result)
{
	struct list *node;

	while ((node = list_pop(calls))) {
		struct reload_call *call = container_of(node, struct reload_call, link);

		call->done(call, result);
	}
}

static void tell_result(const struct reload *reload, const struct reload_result *result)
{
	if (result->good)
		log_info("reloaded: edition %llu serves", (unsigned long long)result->edition);
	else
		log_error("the configuration is not reloaded: edition %llu goes on serving, and "
			  "nothing has changed",
			  (unsigned long long)result->edition);
	for (size_t i = 0; i < reload->changed.count && result->good; i++)
		log_info("reloaded: %s", reload->changed.lines[i].text);
}

static void finish(struct reload *reload, bool good)
{
	const struct reload_result result = {
		.good = good,
		.edition = (*reload->means.current)->edition.number,
		.said = &reload->said,
		.changed = &reload->changed,
	};

	log_hear(NULL, NULL);
	reload->stage = IDLE;
	reload->answers = events_remove(reload->answers);
	events_set(reload->patience, EVENTS_NEVER);
	tell_result(reload, &result);
	reload->means.over(reload->means.owner, &result);
	tell_calls(&reload->calls, &result);
	report_done(&reload->said);
	report_done(&reload->changed);
	if (reload->again)
		events_call(reload->soon);
}

/* Everything is as it was. */
static void give_up(struct reload *reload)
{
	reload->answers = events_remove(reload->answers); /* before its descriptor goes */
	reading_free(reload->next);
	reload->next = NULL;
	sockets_claim(&(*reload->means.current)->sockets);
	finish(reload, false);
}

/* ---- Adopting -------------------------------------------------------------------------------- */

struct adopt_order {
	struct accept_order accept;
	struct reload *reload;
};

static void commit(struct reload *reload)
{
	struct reading *old = *reload->means.current;

	pools_inherit(&reload->next->edition, &old->edition);
	enrol_tell_over(&reload->next->edition, &old->edition);
	*reload->means.current = reload->next;
	atomic_store(&reload->means.crew->engine->connections_max, reload->connections_max);
	reload->next = NULL;
	pools_replaced(&old->edition);
	reload->means.adopted(reload->means.owner);
	retire_begin(&reload->retiring, old);
	finish(reload, true);
}

static void adopted(struct order *order)
{
	struct adopt_order *adopt = container_of(order, struct adopt_order, accept.order);
	struct reload *reload = adopt->reload;

	sockets_offer_back(&adopt->accept);
	free(adopt);
	if (--reload->adopting == 0)
		commit(reload);
}

static void free_orders(struct adopt_order **orders, uint32_t count)
{
	for (uint32_t i = 0; orders && i < count; i++) {
		if (orders[i])
			free(orders[i]->accept.offers);
		free(orders[i]);
	}
	free(orders);
}

static struct adopt_order *make_order(struct reload *reload, uint32_t worker)
{
	const struct reading *next = reload->next;
	struct adopt_order *order = calloc(1, sizeof(*order));

	if (!order)
		return NULL;
	*order = (struct adopt_order){
		.accept = {.order = {.kind = ORDER_ADOPT, .done = adopted},
			   .tenancy = next->tenancies[worker]},
		.reload = reload,
	};
	if (sockets_offer(&next->sockets, &next->edition, worker, true, &order->accept) == 0)
		return order;
	free(order);
	return NULL;
}

/* All of them, or none. */
static struct adopt_order **make_orders(struct reload *reload)
{
	uint32_t count = reload->next->workers, made = 0;
	struct adopt_order **orders = calloc(count, sizeof(*orders));

	while (orders && made < count && (orders[made] = make_order(reload, made)))
		made++;
	if (made == count)
		return orders;
	free_orders(orders, made);
	(void)log_no_memory("handing a configuration to the workers");
	return NULL;
}

static int adopt(struct reload *reload)
{
	struct reading *next = reload->next;
	struct adopt_order **orders = make_orders(reload);
	int r = orders ? sockets_listen(&next->sockets) : -ENOMEM;

	if (r < 0) {
		free_orders(orders, next->workers);
		return r;
	}
	sockets_offered(&next->sockets);
	reload->stage = ADOPTING;
	retire_hold(&reload->retiring);
	reload->adopting = next->workers;
	for (uint32_t i = 0; i < next->workers; i++)
		crew_send(reload->means.crew, i, &orders[i]->accept.order);
	free(orders);
	return 0;
}

/* ---- Building -------------------------------------------------------------------------------- */

static int build(struct reload *reload)
{
	const struct reload_means *means = &reload->means;
	struct reading *current = *means->current, *next = reload->next;
	struct report fitted = {0};
	int r = config_keep(&next->config, &current->config, &reload->in_force, &fitted);

	if (r == 0) {
		config_compare(&current->config, &next->config, &reload->changed);
		r = build_refit(means->crew->engine, &next->config, &fitted,
				&reload->connections_max);
	}
	tell_report(&fitted); /* and it is heard */
	report_done(&fitted);
	if (r == 0)
		r = reading_build(next, current->edition.number + 1, means->crew->count,
				  means->reading);
	if (r == 0)
		r = reading_bind(next, means->reading);
	if (r == 0 && hop_open(means->crew->engine, &next->edition) < 0)
		r = log_no_memory("the hops of chains");
	place_keep(&next->edition, reload->connections_max);
	return r < 0 ? r : adopt(reload);
}

static void names_are_known(struct reload *reload)
{
	reload->answers = events_remove(reload->answers);
	events_set(reload->patience, EVENTS_NEVER);
	resolver_settle(&reload->next->resolver);
	if (build(reload) < 0)
		give_up(reload);
	else
		log_hear(NULL, NULL); /* from here on others have something to say, too */
}

static void on_patience(void *owner)
{
	struct reload *reload = owner;

	log_hear(hear, reload);
	names_are_known(reload);
}

static void on_answers(void *owner, uint32_t ready)
{
	struct reload *reload = owner;

	(void)ready;
	log_hear(hear, reload);
	resolver_hear(&reload->next->resolver);
	if (resolver_has_heard(&reload->next->resolver))
		names_are_known(reload);
	else
		log_hear(NULL, NULL);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int read_and_judge(struct reload *reload)
{
	struct config *config = &reload->next->config;
	struct report report;
	int r = config_load(config, reload->means.path, &report);

	if (r == -ENOMEM)
		(void)log_no_memory("the configuration");
	else
		r = judge_worse(r < 0 ? -EINVAL : 0, reload->means.judge(config, &report));
	tell_report(&report); /* and it is heard */
	report_done(&report);
	return r;
}

static int ask_names(struct reload *reload)
{
	struct resolver *resolver = &reload->next->resolver;
	int r = resolver_open(resolver, &reload->next->config, &(*reload->means.current)->resolver);

	if (r < 0 || resolver_has_heard(resolver))
		return r;
	r = events_add_descriptor(reload->means.events, &reload->answers,
				  resolver_descriptor(resolver), EPOLLIN, on_answers, reload);
	if (r < 0)
		return events_cannot("wait for the addresses of names", r);
	events_set_in(reload->patience, RESOLVE_START_MS);
	return 0;
}

static void begin(struct reload *reload)
{
	reload->again = false;
	list_move_all(&reload->later, &reload->calls);
	reload->stage = ASKING;
	notify_reloading();
	log_hear(hear, reload);
	reload->next = reading_make();
	if (!reload->next)
		(void)log_no_memory("the configuration");
	if (!reload->next || read_and_judge(reload) < 0 || ask_names(reload) < 0) {
		give_up(reload);
		return;
	}
	if (resolver_has_heard(&reload->next->resolver))
		names_are_known(reload);
	else
		log_hear(NULL, NULL);
}

static void begin_again(void *owner)
{
	struct reload *reload = owner;

	if (reload->again && reload->stage == IDLE && !reload->stopping)
		begin(reload);
}

/* ---- For the supervisor ---------------------------------------------------------------------- */

static void refuse(struct reload *reload, struct list *calls)
{
	const struct reload_result result = {
		.edition = (*reload->means.current)->edition.number,
		.said = &reload->said,
		.changed = &reload->changed,
		.refused = "the daemon stops",
	};

	tell_calls(calls, &result);
}

void reload_begin(struct reload *reload, struct reload_call *call)
{
	if (call)
		list_push(&reload->later, &call->link);
	if (reload->stopping) {
		refuse(reload, &reload->later);
		return;
	}
	reload->again = true;
	begin_again(reload);
}

void reload_stop(struct reload *reload)
{
	reload->stopping = true;
	refuse(reload, &reload->later);
	if (reload->stage != ASKING)
		return;
	refuse(reload, &reload->calls);
	give_up(reload);
}

struct reading *reload_next(const struct reload *reload)
{
	return reload->next;
}

bool reload_is_adopting(const struct reload *reload)
{
	return reload->stage == ADOPTING;
}

struct reading *reload_next_old(const struct reload *reload, const struct reading *before)
{
	return retire_next(&reload->retiring, before);
}

int reload_open(struct reload **ret_reload, const struct reload_means *means)
{
	struct reload *reload = calloc(1, sizeof(*reload));
	int r = 0;

	if (!reload)
		return log_no_memory("reloads");
	reload->means = *means;
	reload->in_force = (struct config_in_force){
		.control = config_asked(&(*means->current)->config.control),
		.metrics = config_asked(&(*means->current)->config.metrics),
	};
	if (!reload->in_force.control || !reload->in_force.metrics)
		r = -ENOMEM;
	list_init(&reload->calls);
	list_init(&reload->later);
	if (r == 0)
		r = events_add_timer(means->events, &reload->patience, on_patience, reload);
	if (r == 0)
		r = retire_open(&reload->retiring, &(struct retire_means){
							   .crew = means->crew,
							   .events = means->events,
							   .entrances = means->reading->entrances,
							   .current = means->current,
						   });
	if (r == 0)
		r = events_add_timer(means->events, &reload->soon, begin_again, reload);
	if (r < 0) {
		reload_close(reload);
		return events_cannot("wait for reloads", r);
	}
	*ret_reload = reload;
	return 0;
}

void reload_close(struct reload *reload)
{
	if (!reload)
		return;
	reload_stop(reload);
	events_remove(reload->answers);
	events_remove(reload->patience);
	events_remove(reload->soon);
	reading_free(reload->next);
	retire_close(&reload->retiring);
	report_done(&reload->said);
	report_done(&reload->changed);
	free(reload->in_force.control);
	free(reload->in_force.metrics);
	free(reload);
}
