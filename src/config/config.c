#include "config/config.h"

#include "base/grow.h"
#include "config/endpoint.h"
#include "config/loader.h"
#include "config/repeated.h"
#include "config/routing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_SIZE_MAX (4u << 20) /* stops at /dev/zero and its like */

static_assert(array_size(((struct config *)0)->cpus) == VALUE_CPU_WORDS, "a set of CPUs");

void config_done(struct config *config)
{
	for (size_t i = 0; i < config->section_count; i++)
		loader_section_done(&config->sections[i]);
	for (size_t i = 0; i < config->pool_count; i++)
		loader_section_done(&config->pools[i]);
	for (size_t i = 0; i < config->file_count; i++)
		free(config->files[i]);
	loader_section_done(&config->control);
	loader_section_done(&config->metrics);
	free(config->sections);
	free(config->pools);
	free(config->files);
	free(config->origins);
	free(config->without);
	free(config->access_path);
	*config = (struct config){0};
}

static int loader_init(struct loader *loader, struct config *config, struct report *report)
{
	*loader = (struct loader){.config = config, .report = report};
	*config = (struct config){0};
	*report = (struct report){0};
	config->origins = calloc(SCHEMA_KEY_COUNT, sizeof(*config->origins));
	if (!config->origins)
		return -ENOMEM;
	if (schema_set_defaults(config, OWNER_CONFIG) < 0)
		return -ENOMEM;
	if (loader_section_init(&config->control, "control", "") < 0 ||
	    loader_section_init(&config->metrics, "metrics", "") < 0)
		return -ENOMEM;
	config->control.kind = CONFIG_CONTROL;
	config->metrics.kind = CONFIG_METRICS;
	return loader_section_init(&loader->defaults, "defaults", "");
}

/* What is read from now on is in the file of that name. */
static int begin_file(struct loader *loader, const char *name)
{
	struct config *config = loader->config;
	char **files = grow(config->files, config->file_count, 1, sizeof(*files));
	char *copy = strdup(name);

	if (files)
		config->files = files;
	if (!files || !copy) {
		free(copy);
		return -ENOMEM;
	}
	loader->file = (unsigned)config->file_count;
	files[config->file_count++] = copy;
	return 0;
}

/* What a section does not set itself it has from [defaults], which may stand anywhere. */
static int inherit(const struct config_section *defaults, struct config_section *section)
{
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (key->owner != OWNER_SETTINGS || section->origins[i].line ||
		    !defaults->origins[i].line || !schema_applies(key, section))
			continue;
		if (schema_copy(key, &section->settings, &defaults->settings) < 0)
			return -ENOMEM;
		section->origins[i] = defaults->origins[i];
		section->origins[i].defaults = true;
	}
	return repeated_inherit(defaults, section);
}

static int inherit_all(struct loader *loader)
{
	struct config *config = loader->config;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->section_count; i++)
		r = inherit(&loader->defaults, &config->sections[i]);
	for (size_t i = 0; r == 0 && i < config->pool_count; i++)
		r = inherit(&loader->defaults, &config->pools[i]);
	return r;
}

/* Where nothing is said of it, and systemd or who else started us gave a directory. */
static int default_control(struct config_section *control)
{
	const char *directory = getenv("RUNTIME_DIRECTORY");
	const struct schema_key *key = schema_find("listen", IN_CONTROL);
	char why[VALUE_WHY_MAX], *text = NULL;
	unsigned ports;
	int r;

	if (control->origins[key - schema_keys].line || !directory || *directory != '/')
		return 0;
	control->listens = calloc(1, sizeof(*control->listens));
	if (!control->listens ||
	    asprintf(&text, "unix:%.*s/control.sock", (int)strcspn(directory, ":"), directory) < 0)
		return -ENOMEM;
	r = endpoint_parse(control->listens, &ports, text, ENDPOINT_CONTROL, why);
	control->listen_count = r == 0;
	free(text);
	return r == -ENOMEM ? r : 0; /* a path that is too long is none */
}

/*
 * The end of it, well or not: r is what reading came to.  Of files that are not all
 * read nobody knows what is missing in them.
 */
static int loader_finish(struct loader *loader, int r)
{
	struct config *config = loader->config;

	if (r != -ENOMEM && inherit_all(loader) < 0)
		loader->failed = -ENOMEM;
	if (r != -ENOMEM && default_control(&config->control) < 0)
		loader->failed = -ENOMEM;
	if (r == 0) {
		loader_route(loader);
		loader_check(loader);
		loader_check_servers(loader);
		loader_check_sources(loader);
		loader_check_terms(loader);
		loader_check_proxy(loader);
		loader_check_effects(loader);
	}
	if (loader->failed || loader->report->failed)
		r = -ENOMEM;
	else if (r == 0 && loader->report->found[REPORT_MISTAKE])
		r = -EINVAL;
	loader_section_done(&loader->defaults);
	loader_section_done(&loader->ignored);
	report_sort(loader->report);
	return r;
}

int config_parse(struct config *config, const char *name, const char *text, size_t size,
		 struct report *report)
{
	struct loader loader;
	int r = loader_init(&loader, config, report);

	if (r == 0)
		r = begin_file(&loader, name);
	if (r == 0)
		loader_read(&loader, text, size);
	return loader_finish(&loader, r);
}

/* The rest of fd, to be freed by the caller. */
static int read_all(int fd, char **ret_text, size_t *ret_size)
{
	char *text = malloc(FILE_SIZE_MAX);
	size_t size = 0;
	ssize_t n;
	int r;

	if (!text)
		return -ENOMEM;
	do {
		n = read(fd, text + size, FILE_SIZE_MAX - size);
		if (n > 0)
			size += (size_t)n;
	} while ((n > 0 && size < FILE_SIZE_MAX) || (n < 0 && errno == EINTR));
	r = n < 0 ? -errno : size == FILE_SIZE_MAX ? -EFBIG : 0;
	if (r < 0) {
		free(text);
		return r;
	}
	*ret_text = text;
	*ret_size = size;
	return 0;
}

static int load_file(struct loader *loader, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	int r = begin_file(loader, path), fd;

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : read_all(fd, &text, &size);
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		loader_complain(loader, loader->file, 0, NULL, NULL, "cannot be read: %s",
				strerror(-r));
		return r;
	}
	loader_read(loader, text, size);
	free(text);
	return 0;
}

static int is_conf(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && end && !strcmp(end, ".conf");
}

/* By bytes: the order must not depend on the locale, as alphasort(3) does. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_directory(struct loader *loader, const char *directory)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_conf, by_name), r = 0;

	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		r = -errno;
		loader_complain(loader, 0, 0, NULL, NULL, "%s cannot be read: %s", directory,
				strerror(-r));
		return r;
	}
	for (int i = 0; i < count; i++) {
		char *path = NULL;
		int loaded = -ENOMEM;

		if (r == -ENOMEM || asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0)
			path = NULL;
		else
			loaded = load_file(loader, path);
		r = r == 0 || loaded == -ENOMEM ? loaded : r; /* the others have mistakes, too */
		free(path);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int config_load(struct config *config, const char *path, struct report *report)
{
	struct loader loader;
	char *directory = NULL;
	int r = loader_init(&loader, config, report);

	if (r == 0 && asprintf(&directory, "%s.d", path) < 0) {
		directory = NULL;
		r = -ENOMEM;
	}
	if (r == 0)
		r = load_file(&loader, path);
	if (r == 0)
		r = load_directory(&loader, directory);
	free(directory);
	return loader_finish(&loader, r);
}
