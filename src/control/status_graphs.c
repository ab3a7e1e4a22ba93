/* How the last ten minutes were, as small graphs. */
#include "control/status_parts.h"

#include "control/words.h"

#include <stdio.h>
#include <string.h>

#define GRAPH_WIDTH   300
#define GRAPH_HEIGHT  60
#define GRAPH_SPAN_MS 600000 /* ten minutes */

typedef const char *words(char text[WORDS_MAX], uint64_t number);

static const char *words_rate(char text[WORDS_MAX], uint64_t number)
{
	char bytes[WORDS_MAX];

	snprintf(text, WORDS_MAX, "%.40s/s", words_bytes(bytes, number));
	return text;
}

static const char *words_lag(char text[WORDS_MAX], uint64_t number)
{
	return words_duration(text, number, HISTOGRAM_NS);
}

static const struct graph {
	const char *title;
	size_t offset; /* in a point */
	words *words;
} graphs[] = {
	{"Connections", offsetof(struct metrics_point, connections), words_number},
	{"New each second", offsetof(struct metrics_point, accepted_per_second), words_number},
	{"Bytes, both ways", offsetof(struct metrics_point, bytes_per_second), words_rate},
	{"p99 of a turn", offsetof(struct metrics_point, lag_p99_ns), words_lag},
};

static uint64_t value_of(const struct graph *graph, const struct metrics_point *point)
{
	uint64_t value;

	memcpy(&value, (const unsigned char *)point + graph->offset, sizeof(value));
	return value;
}

/* The last ten minutes from left to right, from 0 to the most there was. */
static void add_line(struct sheet *sheet, const struct graph *graph,
		     const struct metrics_snapshot *snapshot, uint64_t most)
{
	const struct metrics_point *points = snapshot->points;
	uint64_t now = points[snapshot->point_count - 1].at_ms;

	sheet_add(sheet, "<polyline points=\"");
	for (size_t i = 0; i < snapshot->point_count; i++) {
		double ago = (double)(now - points[i].at_ms) / GRAPH_SPAN_MS;
		double share = most ? (double)value_of(graph, &points[i]) / (double)most : 0;

		if (ago <= 1)
			sheet_add(sheet, "%.1f,%.1f ", GRAPH_WIDTH * (1 - ago),
				  (GRAPH_HEIGHT - 2) * (1 - share) + 1);
	}
	sheet_add(sheet, "\"/>");
}

static void add_graph(struct sheet *sheet, const struct graph *graph,
		      const struct metrics_snapshot *snapshot)
{
	uint64_t most = 0, last = value_of(graph, &snapshot->points[snapshot->point_count - 1]);
	char now[WORDS_MAX], top[WORDS_MAX];

	for (size_t i = 0; i < snapshot->point_count; i++)
		if (value_of(graph, &snapshot->points[i]) > most)
			most = value_of(graph, &snapshot->points[i]);
	graph->words(now, last);
	graph->words(top, most);
	sheet_add(sheet,
		  "<figure><figcaption>%s <b>%s</b></figcaption>\n"
		  "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
		  "aria-label=\"%s in the last 10 minutes: %s now, %s at most\">"
		  "<line x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>",
		  graph->title, now, GRAPH_WIDTH, GRAPH_HEIGHT, graph->title, now, top,
		  GRAPH_HEIGHT - 1, GRAPH_WIDTH, GRAPH_HEIGHT - 1);
	add_line(sheet, graph, snapshot, most);
	sheet_add(sheet, "</svg><span class=\"faint\">10 min, at most %s</span></figure>\n", top);
}

void status_graphs(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	if (!snapshot->point_count)
		return;
	sheet_add(sheet, "<div class=\"graphs\">\n");
	for (size_t i = 0; i < array_size(graphs); i++)
		add_graph(sheet, &graphs[i], snapshot);
	sheet_add(sheet, "</div>\n");
}
