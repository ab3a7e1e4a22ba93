/*
 * The daemon as people look at it in a browser, and the same as JSON.
 *
 * The page is made here whole, so it is read without JavaScript too; its head, looks
 * and script are status.html.  The script does no more than ask for the page again
 * every two seconds.  It only shows: beside each server stands the command that would
 * drain it.  What it needs is in it, and the policy forbids the browser all else.
 */
#ifndef CONTROL_STATUS_H
#define CONTROL_STATUS_H

#include "base/sheet.h"
#include "control/metrics.h"

#define STATUS_NONCE_MAX  25 /* 24 characters */
#define STATUS_POLICY_MAX 320

/* A new one for each answer: what bears it in the page may run, and nothing else. */
void status_nonce(char nonce[STATUS_NONCE_MAX]);
/* The value of Content-Security-Policy for a page of that nonce. */
const char *status_policy(char policy[STATUS_POLICY_MAX], const char *nonce);

/* The page, to be sent as text/html; charset=utf-8. */
void status_page(struct sheet *sheet, const struct metrics_snapshot *snapshot, const char *nonce);
/* One object, application/json: times are ISO 8601 in UTC, durations in seconds. */
void status_json(struct sheet *sheet, const struct metrics_snapshot *snapshot);
/* Of that only the proxies and services, and where they listen. */
void status_json_proxies(struct sheet *sheet, const struct metrics_snapshot *snapshot);
/* Of that only the pools and their servers; or one pool of that name, and its servers. */
void status_json_servers(struct sheet *sheet, const struct metrics_snapshot *snapshot,
			 const char *pool);
/* The members of one server's object. */
void status_json_server(struct sheet *sheet, const struct metrics_snapshot *snapshot,
			const struct metrics_server *server);

#endif
