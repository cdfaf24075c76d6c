/* api_old: the calls of the previous product, in its shapes and words. */
#ifndef PM_API_OLD_H
#define PM_API_OLD_H

struct call;

/* Each ends the call; which list or section is meant, the route's path says. */
void api_old_list(struct call *call);
void api_old_add(struct call *call);
void api_old_update(struct call *call);
void api_old_delete(struct call *call);
void api_old_toggle(struct call *call);
void api_old_move(struct call *call);
void api_old_duplicate(struct call *call);
void api_old_show_section(struct call *call);
void api_old_change_section(struct call *call);
void api_old_clear_claude(struct call *call);
void api_old_clear_codex(struct call *call);

#endif
