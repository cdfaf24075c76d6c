// Every text of the page, in English and Chinese. A number is put in for {}.
const words = {
	title: ["Pointsman", "Pointsman"],
	tagline: ["gateway for coding agents", "编程智能体网关"],
	other_language: ["中文", "English"],
	logout: ["Log out", "退出登录"],
	reload: ["Reload", "重新加载"],
	reload_title: ["Read the configuration file again", "重新读取配置文件"],

	login_title: ["Log in", "登录"],
	login_label: ["Admin token", "管理令牌"],
	login_button: ["Log in", "登录"],
	login_help: ["It was shown at the first start and is kept in the state folder, in the file",
		"首次启动时显示过，并保存在状态目录的文件中："],
	login_wrong: ["This is not the admin token.", "管理令牌不正确。"],
	login_wait: ["Too many tries. Wait {} s.", "尝试次数过多，请等待 {} 秒。"],
	login_empty: ["Enter the token.", "请输入令牌。"],
	login_over: ["The session has ended. Log in again.", "会话已结束，请重新登录。"],

	loading: ["Loading …", "加载中……"],
	admin_away: ["The admin program does not answer. Calls of clients are not touched by that.",
		"管理程序没有响应，客户端的请求不受影响。"],
	control_away: ["The control plane does not answer. Calls are served on with the last table.",
		"控制面没有响应，数据面继续用最后一份路由表服务。"],
	control_last: ["What you see is {} old.", "以下内容是 {} 前的。"],
	demo: ["No upstream is configured yet: the built-in demo answers. Put yours into",
		"尚未配置上游，现由内置演示应答。请把上游写入"],
	demo_saved: ["It is read as soon as it is saved.", "保存后立即生效。"],
	config_refused: ["The configuration file is refused. Revision {} serves on.",
		"配置文件有误，已被拒绝，继续使用第 {} 版。"],

	ok: ["Serving", "正常服务"],
	partly: ["Serving, but look below", "正在服务，但请留意"],
	down: ["Not serving", "未在服务"],
	sum_stuck: ["{}: no upstream available", "{}：没有可用上游"],
	sum_upstreams: ["{} of {} upstreams available", "{} / {} 个上游可用"],
	sum_dataplanes: ["data planes: {}", "数据面：{}"],
	sum_in_flight: ["in flight: {}", "进行中：{}"],

	upstreams: ["Upstreams", "上游"],
	upstreams_note: ["In the order in which they are tried.", "按尝试顺序排列。"],
	primary: ["primary", "主用"],
	backup: ["backup", "备用"],
	demo_mark: ["demo", "演示"],
	available: ["available", "可用"],
	not_available: ["not available", "不可用"],
	"not scheduled now": ["not scheduled now", "此时不在计划内"],
	disabled: ["disabled", "已停用"],
	key: ["key", "密钥"],
	key_none: ["no key", "无密钥"],
	key_set: ["set", "已设置"],
	no_upstreams: ["Without upstreams: ", "没有上游："],

	claude: ["Claude", "Claude"],
	codex: ["Codex", "Codex"],
	chat: ["Chat", "Chat"],
	chat_via_claude: ["Chat via Claude", "Chat 转 Claude"],
	retry: ["Retry", "重试"],
	retry_note: ["where error strategies send a call", "错误策略命中时使用"],

	dataplanes: ["Data planes", "数据面"],
	dataplanes_note: ["They carry the calls. Counted since their start.",
		"承载请求的进程，自启动起计数。"],
	dataplanes_none: ["None has reported.", "没有数据面上报。"],
	fresh: ["reporting", "上报正常"],
	silent: ["silent for {}", "已静默 {}"],
	behind: ["older table", "路由表过旧"],
	in_flight: ["in flight", "进行中"],
	connections: ["connections", "连接"],
	requests: ["requests", "请求"],
	completed: ["completed", "完成"],
	failed: ["failed", "失败"],
	client_gone: ["client left", "客户端离开"],
	attempts: ["upstream calls", "上游调用"],
	table: ["table", "路由表"],
	memory: ["memory", "内存"],
	age: ["up for", "已运行"],

	client_keys: ["Client keys", "客户端密钥"],
	client_keys_note: ["Names only: the keys themselves are kept as hashes.",
		"仅列名称，密钥只以散列保存。"],
	client_keys_none: ["None: no client can call.", "没有密钥，任何客户端都无法调用。"],
	enabled: ["enabled", "启用"],

	connect: ["Connect", "接入"],
	connect_note: ["Point your tools here.", "把工具指向这里。"],
	connect_key: ["A client key, for the lines below", "客户端密钥，供下文使用"],
	connect_codex: ["Codex, in ~/.codex/config.toml", "Codex，写入 ~/.codex/config.toml"],
	connect_sdk: ["OpenAI SDKs", "OpenAI SDK"],
	copy: ["Copy", "复制"],

	copied: ["Copied.", "已复制。"],
	copy_failed: ["Selected: press Ctrl+C.", "已选中，请按 Ctrl+C。"],
	reloaded: ["Taken: revision {}.", "已生效：第 {} 版。"],
	reload_same: ["The configuration has not changed.", "配置没有变化。"],
	reload_refused: ["The configuration is refused.", "配置被拒绝。"],

	config_file: ["configuration", "配置文件"],
	revision: ["revision {}", "第 {} 版"],
	version: ["version {}", "版本 {}"],

	seconds: ["{} s", "{} 秒"],
	minutes: ["{} min", "{} 分钟"],
	hours: ["{} h", "{} 小时"],
	days: ["{} d", "{} 天"],
};

const STORE = "pointsman-language";
const LANGUAGES = ["en", "zh-CN"];
let index = first();

function first() {
	let kept = null;
	try {
		kept = localStorage.getItem(STORE);
	} catch {
		// Storage may be switched off.
	}
	return (kept ?? navigator.language).startsWith("zh") ? 1 : 0;
}

export function language() {
	return LANGUAGES[index];
}

export function switchLanguage() {
	index = 1 - index;
	try {
		localStorage.setItem(STORE, LANGUAGES[index]);
	} catch {
		// Then it holds until the page is left.
	}
}

// The text; what the table does not know is shown as it came.
export function t(key, ...values) {
	return (words[key]?.[index] ?? key).replace(/\{\}/g, () => String(values.shift()));
}

export function number(value) {
	return value.toLocaleString(LANGUAGES[index]);
}

export function span(ms) {
	const s = Math.max(0, Math.floor(ms / 1000));
	if (s < 120)
		return t("seconds", s);
	if (s < 7200)
		return t("minutes", Math.floor(s / 60));
	if (s < 172800)
		return t("hours", Math.floor(s / 3600));
	return t("days", Math.floor(s / 86400));
}

export function mebibytes(bytes) {
	return `${number(Math.round(bytes / 1048576))} MiB`;
}
