/*
 * A configuration while it is being put together.  config.c hands in one file
 * after the other, section.c and loader.c file what the reader finds in them, and
 * those called check look at the result as a whole.  Only these include this.
 */
#ifndef CONFIG_LOADER_H
#define CONFIG_LOADER_H

#include "config/report.h"
#include "config/schema.h"

struct loader {
	struct config *config;
	struct report *report;
	unsigned file;                  /* the one being read, index into config->files */
	struct config_section defaults; /* [defaults]: its settings and their origins */
	struct config_section ignored;  /* a repeated section: its keys are checked, not kept */
	unsigned where;                 /* the section being read; 0: keys cannot be judged */
	struct config_section *section; /* the same; NULL where its keys are fields of config */
	const char *title;              /* the same, as messages name it; NULL before the first */
	/* of sections without a name, where they begin in this file; 0: not yet */
	unsigned line_of[SCHEMA_SECTION_COUNT];
	bool saw_section; /* in this file, even if it was wrong */
	int failed;       /* -ENOMEM */
};

/* Adds one message; key may be NULL, title too, and line 0 is the file as a whole. */
__attribute__((format(printf, 6, 7))) void loader_complain(struct loader *loader, unsigned file,
							   unsigned line, const char *title,
							   const char *key, const char *format,
							   ...);

int loader_section_init(struct config_section *section, const char *kind,
			const char *name) must_check;
void loader_section_done(struct config_section *section);

/* What stands in a pair of brackets, as reader_events has it; user is the loader. */
void loader_begin(void *user, unsigned line, const char *header, const char *mistake);

/* Takes in the text of config->files[loader->file]. */
void loader_read(struct loader *loader, const char *text, size_t size);

/* Everything that takes more than one line to see. */
void loader_check(struct loader *loader);
/* ... of servers and pools, ... */
void loader_check_servers(struct loader *loader);
/* ... of where connections to them come from, ... */
void loader_check_sources(struct loader *loader);
/* ... of how servers are chosen, asked and found, ... */
void loader_check_terms(struct loader *loader);
/* ... of PROXY headers, ... */
void loader_check_proxy(struct loader *loader);
/* ... and which keys have no effect. */
void loader_check_effects(struct loader *loader);

#endif
