/* The part of loader.h that looks at PROXY headers: who is believed, and what is said. */
#include "config/loader.h"
#include "config/send_proxy.h"

/* Only processes of this machine reach it; what systemd has opened may be anywhere. */
static bool is_near(const struct address *address)
{
	if (address->kind == ADDRESS_UNIX)
		return true;
	if (address->kind != ADDRESS_INET)
		return false;
	return address->u.any.sa_family == AF_INET
		       ? ntohl(address->u.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
		       : IN6_IS_ADDR_LOOPBACK(&address->u.in6.sin6_addr);
}

/* The first that anybody may reach, or NULL. */
static const struct config_endpoint *first_far(const struct config_section *section)
{
	for (size_t i = 0; i < section->listen_count; i++)
		if (!is_near(&section->listens[i].address))
			return &section->listens[i];
	return NULL;
}

/* Whoever may send a header may call himself as he likes. */
static void check_accept(struct loader *loader, const struct config_section *section)
{
	const struct config_endpoint *far = first_far(section);
	const struct config_origin *from =
		config_origin(loader->config, section, "accept_proxy_from");
	bool is_on = section->settings.accept_proxy != CONFIG_ACCEPT_PROXY_OFF;
	bool has_from = config_line_of(section, "accept_proxy_from", NULL);

	if (is_on && far && !has_from && !from->refused)
		report_key(loader->report, REPORT_MISTAKE, loader->config, section, "accept_proxy",
			   "needs accept_proxy_from, or whoever reaches \"%.100s\" could call "
			   "himself by any address; write for example accept_proxy_from = "
			   "10.0.0.0/8, or accept_proxy_from = all where that is meant",
			   far->text);
	if (!is_on && has_from && !from->defaults)
		report_key(loader->report, REPORT_WARNING, loader->config, section,
			   "accept_proxy_from",
			   "has no effect: it is about accept_proxy, which is off");
}

static void check_send(struct loader *loader, const struct config_section *section)
{
	char why[VALUE_WHY_MAX];
	unsigned fields;

	if (send_proxy_parse(&fields, section->settings.send_proxy_tlv, why) < 0)
		report_key(loader->report, REPORT_MISTAKE, loader->config, section,
			   "send_proxy_tlv", "%s", why);
}

void loader_check_proxy(struct loader *loader)
{
	const struct config_section *section;

	for (size_t i = 0; (section = config_section_at(loader->config, i)); i++) {
		if (section->kind < CONFIG_KIND_COUNT)
			check_accept(loader, section);
		if ((section->kind == CONFIG_PROXY || section->kind == CONFIG_POOL) &&
		    !section->pool)
			check_send(loader, section);
	}
}
