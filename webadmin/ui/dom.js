// Elements from plain values. Text goes in as text, never as markup.
export function el(tag, attributes, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes ?? {}))
		if (value !== null && value !== undefined && value !== false)
			node.setAttribute(name, value === true ? "" : value);
	node.append(...children.flat(Infinity).filter(child => child !== null && child !== false));
	return node;
}

// Makes `live` look like `next` and keeps every node that can stay, so that focus, selection and
// what was typed survive a refresh.
export function sync(live, next) {
	for (const name of live.getAttributeNames())
		if (!next.hasAttribute(name))
			live.removeAttribute(name);
	for (const name of next.getAttributeNames())
		if (live.getAttribute(name) !== next.getAttribute(name))
			live.setAttribute(name, next.getAttribute(name));
	const old = [...live.childNodes], fresh = [...next.childNodes];
	fresh.forEach((node, i) => {
		if (i >= old.length)
			live.append(node);
		else if (old[i].nodeName !== node.nodeName || old[i].id !== node.id)
			old[i].replaceWith(node);
		else if (node.nodeType !== Node.TEXT_NODE)
			sync(old[i], node);
		else if (old[i].data !== node.data)
			old[i].data = node.data;
	});
	old.slice(fresh.length).forEach(node => node.remove());
}
