// Texts of the playground.
export default {
	playground_note: ["A message through the gateway itself, by the way that a client goes.", "像客户端一样，通过网关发送一条消息。"],
	p_route: ["Client", "客户端"],
	p_model: ["Model", "模型"],
	p_as: ["With the limits of", "按谁的限额"],
	p_as_nobody: ["nobody: no limits", "不限额"],
	p_stream: ["stream", "流式"],
	p_text: ["Message", "消息"],
	p_send: ["Send", "发送"],
	p_stop: ["Stop", "停止"],
	p_head: ["head after {}", "响应头 {}"],
	p_end: ["end after {}", "结束 {}"],
	p_said: ["Text", "文本"],
	p_events: ["Raw events ({})", "原始事件（{}）"],
	hello: ["Say hello.", "打个招呼。"],
	stopped: ["stopped", "已停止"],
	cut: ["the connection was cut", "连接中断"],
};
