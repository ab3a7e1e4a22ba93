#include "ops/ledger.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE 8 /* counters in a cache line: cells share none */

void ledger_open(struct ledger *ledger, uint32_t workers, uint32_t counters)
{
	*ledger = (struct ledger){.workers = workers, .counters = counters};
}

static void discard(struct account *account)
{
	free(account->name);
	free(account->cells);
	free(account->histograms);
	free(account);
}

void ledger_close(struct ledger *ledger)
{
	struct account *account, *next;

	for (size_t i = 0; i < LEDGER_BUCKETS; i++) {
		for (account = ledger->buckets[i]; account; account = next) {
			next = account->next;
			discard(account);
		}
		ledger->buckets[i] = NULL;
	}
}

static struct account *begin(const struct ledger *ledger, const char *name)
{
	struct account *account = aligned_alloc(_Alignof(struct account), sizeof(*account));
	uint32_t stride = (ledger->counters + LINE - 1) / LINE * LINE;
	size_t size = ((size_t)ledger->workers * stride + LINE) * sizeof(*account->cells);

	if (!account)
		return NULL;
	memset(account, 0, sizeof(*account));
	account->stride = stride;
	account->name = strdup(name);
	account->cells = aligned_alloc(LINE * sizeof(*account->cells), size);
	if (!account->name || !account->cells) {
		discard(account);
		return NULL;
	}
	memset(account->cells, 0, size);
	return account;
}

struct account *ledger_account(struct ledger *ledger, const char *name)
{
	struct account **bucket = &ledger->buckets[hash_text(HASH_BEGIN, name) % LEDGER_BUCKETS];
	struct account *account;

	for (account = *bucket; account; account = account->next)
		if (!strcmp(account->name, name)) {
			account->idle_ms = 0;
			return account;
		}
	account = begin(ledger, name);
	if (!account)
		return NULL;
	account->id = ++ledger->count;
	account->next = *bucket;
	*bucket = account;
	return account;
}

void ledger_forget(struct ledger *ledger, struct account *account)
{
	struct account **at =
		&ledger->buckets[hash_text(HASH_BEGIN, account->name) % LEDGER_BUCKETS];

	while (*at != account)
		at = &(*at)->next;
	*at = account->next;
	discard(account);
}

void account_leave(struct account *account, uint64_t now_ms)
{
	assert(account->users > 0);
	if (--account->users == 0)
		account->idle_ms = now_ms ? now_ms : 1;
}

void ledger_sweep(struct ledger *ledger, uint64_t idle_ms, uint64_t now_ms)
{
	for (size_t i = 0; i < LEDGER_BUCKETS; i++)
		for (struct account **at = &ledger->buckets[i], *account; (account = *at);) {
			if (!account->idle_ms || now_ms - account->idle_ms < idle_ms) {
				at = &account->next;
				continue;
			}
			*at = account->next;
			discard(account);
		}
}

int ledger_measure(const struct ledger *ledger, struct account *account, uint32_t histograms)
{
	size_t size = (size_t)ledger->workers * histograms * sizeof(*account->histograms);

	if (account->histograms)
		return 0;
	account->histograms = aligned_alloc(_Alignof(struct histogram), size);
	if (!account->histograms)
		return -ENOMEM;
	memset(account->histograms, 0, size);
	account->histogram_count = histograms;
	return 0;
}

uint64_t ledger_sum(const struct ledger *ledger, const struct account *account, uint32_t counter)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < ledger->workers; i++)
		sum += atomic_load_explicit(&account->cells[(size_t)i * account->stride + counter],
					    memory_order_relaxed);
	return sum;
}

void ledger_total(const struct ledger *ledger, const struct account *account, uint32_t histogram,
		  struct histogram_total *ret_total)
{
	*ret_total = (struct histogram_total){0};
	for (uint32_t i = 0; i < ledger->workers && account->histograms; i++)
		histogram_add(
			ret_total,
			&account->histograms[(size_t)i * account->histogram_count + histogram]);
}
