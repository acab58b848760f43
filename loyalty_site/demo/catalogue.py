"""What the demo shop sells, and by which rules its points are earned and spent. Prices are in the currency's minor unit."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings

from customers.models import Category, Product, Store, User
from rewards import rules
from rewards.models import CouponBatch, EarningRule, Reward, StampCard, Tier

STORES = {
    "old-town": {
        "name_en": "Linden Café, Old Town",
        "name_zh": "林登咖啡 · 老城店",
        "kind": Store.Kind.COUNTER,
    },
    "web": {"name_en": "Linden Web Shop", "name_zh": "林登网上商店", "kind": Store.Kind.WEB, "pending_days": 7},
}

# Category: names; then SKU, names, price.
CATEGORIES = {
    "coffee": ("Coffee", "咖啡"),
    "drinks": ("Tea and cold drinks", "茶饮与冷饮"),
    "bakery": ("Bakery", "烘焙"),
    "lunch": ("Lunch", "轻食"),
    "pantry": ("Beans and leaves", "咖啡豆与茶叶"),
    "ware": ("Cups and gifts", "器具与礼品"),
}
PRODUCTS = [
    ("coffee", "ESPRESSO", "Espresso", "意式浓缩", 260),
    ("coffee", "FILTER", "Filter coffee", "手冲咖啡", 320),
    ("coffee", "CAPPUCCINO", "Cappuccino", "卡布奇诺", 380),
    ("coffee", "FLATWHITE", "Flat white", "馥芮白", 390),
    ("coffee", "LATTE", "Caffè latte", "拿铁", 420),
    ("coffee", "ICEDLATTE", "Iced latte", "冰拿铁", 480),
    ("drinks", "JASMINE", "Jasmine green tea", "茉莉绿茶", 390),
    ("drinks", "MILKTEA", "Oolong milk tea", "乌龙奶茶", 520),
    ("drinks", "CHOCOLATE", "Hot chocolate", "热巧克力", 420),
    ("drinks", "LEMONADE", "House lemonade", "自制柠檬水", 440),
    ("bakery", "CROISSANT", "Butter croissant", "黄油可颂", 240),
    ("bakery", "CINNAMON", "Cinnamon roll", "肉桂卷", 340),
    ("bakery", "BANANA", "Banana bread", "香蕉面包", 360),
    ("bakery", "CHEESECAKE", "Cheesecake", "芝士蛋糕", 460),
    ("bakery", "SOURDOUGH", "Sourdough loaf", "酸种面包", 580),
    ("lunch", "SOUP", "Soup of the day", "今日例汤", 750),
    ("lunch", "SANDWICH", "Egg sandwich", "鸡蛋三明治", 640),
    ("lunch", "QUICHE", "Leek quiche", "韭葱咸派", 690),
    ("lunch", "AVOCADO", "Avocado toast", "牛油果吐司", 890),
    ("pantry", "BEANS-HOUSE", "House espresso, 250 g", "招牌意式豆 250 克", 980),
    ("pantry", "BEANS-ETHIOPIA", "Ethiopia Yirgacheffe, 250 g", "埃塞俄比亚耶加雪菲 250 克", 1350),
    ("pantry", "BEANS-DECAF", "Decaf, 250 g", "低因咖啡豆 250 克", 1120),
    ("pantry", "TEA-LONGJING", "Longjing green tea, 100 g", "龙井茶 100 克", 1650),
    ("pantry", "TEA-OOLONG", "Tie Guan Yin, 100 g", "铁观音 100 克", 1490),
    ("ware", "CUP", "Stoneware cup", "粗陶杯", 1600),
    ("ware", "TOGO-CUP", "Reusable cup", "随行杯", 1450),
    ("ware", "POUROVER", "Pour-over set", "手冲套装", 3400),
    ("ware", "GRINDER", "Hand grinder", "手摇磨豆机", 6400),
    ("ware", "GIFTBOX", "Gift box, coffee and cake", "咖啡甜点礼盒", 3900),
]

TIERS = [
    ("friend", "Friend", "会员", 0, 0, 10_000),
    ("regular", "Regular", "银卡会员", 1, 30_000, 11_000),
    ("house-guest", "House guest", "金卡会员", 2, 80_000, 12_500),
]

# Key: names and what the rule says.
RULES = {
    "base": {
        "name_en": f"1 point for each 1 {settings.PROGRAMME_CURRENCY}",
        "name_zh": f"每消费 1 {settings.PROGRAMME_CURRENCY} 积 1 分", "kind": "amount", "points": 1,
        "per_amount": 10**settings.PROGRAMME_CURRENCY_DIGITS,
    },
    "weekend": {
        "name_en": "Double points at the weekend", "name_zh": "周末双倍积分", "kind": "multiplier", "multiplier": 20_000,
        "weekdays": "67",
    },
    "pantry": {
        "name_en": "Half as much again on beans and leaves", "name_zh": "咖啡豆与茶叶 1.5 倍积分", "kind": "multiplier",
        "multiplier": 15_000, "category": "pantry",
    },
}  # fmt: skip

# Slug: names, points, what it costs the shop, stock, and the product that is handed out by a coupon; empty is a thing that
# is picked up.
REWARDS = [
    ("coffee", "A coffee of your choice", "任选咖啡一杯", 100, 90, None, "FLATWHITE"),
    ("cake", "A piece of cheesecake", "芝士蛋糕一份", 120, 140, None, "CHEESECAKE"),
    ("beans", "250 g house espresso", "招牌意式豆 250 克", 240, 420, 200, "BEANS-HOUSE"),
    ("cup", "A stoneware cup", "粗陶杯一只", 400, 560, 250, ""),
    ("grinder", "A hand grinder", "手摇磨豆机一台", 1_500, 3_200, 8, ""),
    ("tasting", "A tasting evening for two", "双人咖啡品鉴之夜", 600, 1_800, 12, ""),
]
MORE = {
    "coffee": {"icon": "cup"},
    "cake": {"icon": "cake"},
    "beans": {"icon": "bag"},
    "cup": {"icon": "cup"},
    "grinder": {"icon": "gift", "price": 1_900, "per_customer": 1},
    "tasting": {"icon": "star", "per_customer": 1},
}


# The coffee card came some weeks ago, so most are half full.
CARD_AGE = dt.timedelta(days=40)


@dataclass
class Shop:
    """What is on the shelves, by code, and who stands behind the counter."""

    stores: dict[str, Store]
    products: dict[str, Product]
    rewards: list[Reward]
    staff: dict[str, User]


def open_shop(*, staff: dict[str, User], start: dt.datetime, now: dt.datetime) -> Shop:
    """Put up the stores, products, rules, tiers and rewards as they stood when the history begins."""
    categories = {
        code: Category.objects.create(code=code, name_en=english, name_zh=chinese)
        for code, (english, chinese) in CATEGORIES.items()
    }
    products = {
        sku: Product.objects.create(sku=sku, name_en=english, name_zh=chinese, category=categories[code], price=price)
        for code, sku, english, chinese, price in PRODUCTS
    }
    stores = {code: Store.objects.create(code=code, **fields) for code, fields in STORES.items()}
    for user in staff.values():
        user.store = stores["old-town"]
        user.save(update_fields=["store"])
    for code, english, chinese, rank, threshold, multiplier in TIERS:
        Tier.objects.create(
            code=code, name_en=english, name_zh=chinese, rank=rank, threshold=threshold, multiplier=multiplier
        )
    for key, fields in RULES.items():
        category = categories.get(fields.get("category", ""))
        rule = EarningRule.objects.create(key=key, **fields | {"category": category})
        rules.publish(rule=rule, now=start, by=staff["manager"])
    rewards = [_reward(products, staff["manager"], *row) for row in REWARDS]
    _coffee_card(categories["coffee"], rewards[0].batch, staff["manager"], start=start, now=now)
    return Shop(stores, products, rewards, staff)


def _coffee_card(coffee: Category, batch: CouponBatch, by: User, *, start: dt.datetime, now: dt.datetime) -> None:
    card = StampCard.objects.create(
        code="coffee", name_en="Coffee card", name_zh="咖啡集印卡", icon="cup", stamps_needed=10, batch=batch, by=by
    )
    rule = EarningRule.objects.create(
        key="stamps-coffee", name_en="A stamp for each coffee", name_zh="每杯咖啡一枚印花", kind=EarningRule.Kind.ITEM,
        points=1, category=coffee, stamp_card=card, starts_at=now - CARD_AGE,
    )  # fmt: skip
    rules.publish(rule=rule, now=start, by=by)


def _reward(
    products: dict[str, Product], by: User, slug: str, english: str, chinese: str, cost: int, price: int,
    stock: int | None, sku: str,
) -> Reward:  # fmt: skip
    batch = None
    if sku:
        batch = CouponBatch.objects.create(
            name_en=english, name_zh=chinese, state=CouponBatch.State.ACTIVE, value_kind=CouponBatch.Value.PRODUCT,
            product=products[sku], valid_days=60, cost_price=price, stacking="reward", by=by,
            terms_en="Show this coupon at the counter. For the product named, not for cash.",
            terms_zh="请在柜台出示此券，仅限兑换所列商品，不可兑换现金。",
        )  # fmt: skip
    return Reward.objects.create(
        slug=slug, name_en=english, name_zh=chinese, points_cost=cost, cost_price=price, stock=stock, batch=batch,
        minimum_tier=Tier.objects.get(code="house-guest") if slug == "tasting" else None,
        description_en="Redeem your points and pick it up at the counter in the old town.",
        description_zh="用积分兑换，到老城店柜台领取。", **MORE[slug],
    )  # fmt: skip
