#include "change.h"
#include "config.h"
#include "diff.h"
#include "ids.h"
#include "mask.h"
#include "must.h"

void
change_init(struct change *change, const struct reload *reload)
{
	*change = (struct change){0};
	bytes_init(&change->text, CONFIG_BYTES_MAX);
	change->root =
	    reload->config != NULL ? json_deep_copy(reload->config->root) : json_object();
	MUST(change->root != NULL);
}

bool
change_check(struct change *change, const struct reload *reload)
{
	json_t *none = json_object();
	const json_t *old = reload->config != NULL ? reload->config->root : none;
	ids_stamp(change->root);
	mask_restore(change->root, old, &change->faults);
	bool ok = change->faults.errors == 0;
	if (ok && !config_print(change->root, &change->text)) {
		faults_error(&change->faults, "", "the configuration is too long");
		ok = false;
	}
	ok = ok && config_parse(bytes_view(&change->text), &change->config, &change->faults);
	/* Also for one that is refused: what it would have changed. */
	change->changes = diff_changes(old, change->root, CHANGE_SHOWN_MAX);
	json_decref(none);
	return ok;
}

bool
change_take(struct change *change, struct reload *reload, const struct history_who *who,
    bool *changed, struct err *err)
{
	*changed =
	    reload->config == NULL || !json_equal(reload->config->root, change->config->root);
	if (!*changed)
		return true;
	if (!reload_take(reload, change->config, bytes_view(&change->text), who, err))
		return false;
	change->config = NULL; /* it serves */
	return true;
}

void
change_fini(struct change *change)
{
	json_decref(change->root);
	json_decref(change->changes);
	config_free(change->config);
	faults_fini(&change->faults);
	store_wipe(&change->text);
}
