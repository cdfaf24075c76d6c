// Texts of alerts.
export default {
	alerts_now: ["What is wrong now", "当前告警"],
	alerts_none: ["Nothing.", "没有。"],
	alerts_told: ["What was told", "已通知"],
	alert_test: ["Send a test", "发送测试"],
	alert_sent: ["A test is on its way.", "测试通知已发出。"],
	webhook: ["webhook", "网络钩子"],
	command: ["command", "命令"],
	sent_waiting: ["waits", "等待中"],
	sent_running: ["on its way", "发送中"],
	sent_sent: ["arrived", "已送达"],
	sent_given_up: ["given up", "已放弃"],
};
