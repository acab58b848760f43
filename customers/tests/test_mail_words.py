"""Between Chinese sentences stands no space, whatever the templates of a mail write for English."""

from customers.templatetags.portal import joined


def test_chinese_sentences_stand_close():
    assert joined("您的等级已到期。 您现在是银卡会员。\n\n查看：") == "您的等级已到期。您现在是银卡会员。\n\n查看："


def test_english_sentences_and_addresses_keep_their_space():
    text = "Your time is over. You are Regular now. 查看我的权益： http://localhost/"
    assert joined(text) == text
