"""Words that identify superscripts and subscripts: chemical symbols, units, functions, endings."""

ATOMIC_NUMBERS = {
    "D": 1,
    **{
        symbol: number
        for number, symbol in enumerate(
            str.split(
                """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br
    Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er
    Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md
    No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
    """
            ),
            start=1,
        )
    },
}
UNITS = frozenset(
    str.split(
        """
    km cm mm dm dam hm nm µm μm um pm fm ft yd kg mg µg μg ml mL dl cl ha ms ns µs hr Hz kHz MHz GHz
    eV keV MeV GeV TeV Pa kPa MPa GPa kJ kW MW GW mW kN mol kmol mmol cd lm lx rad sr deg pc kpc Mpc
    Gpc au AU ly arcmin arcsec inch inches foot feet yard mile miles metre metres meter meters sec Ω
    °C °F dB bit px pt em кг км см мм дм мл га Вт 米 公里 千米 厘米 釐米 毫米 公尺 公分 メートル
    キロメートル センチ ㎞ mc qm
    """
    )
)
UNITS_AFTER_NUMBERS = frozenset(
    str.split(
        """
    in mi min day days year years yr lb oz acre s m g t h
    """
    )
)
FUNCTIONS = frozenset(
    str.split(
        """
    sin cos tan cot sec csc sinh cosh tanh coth log ln lg exp det dim arcsin arccos arctan tg ctg
    sen max min lim ker
    """
    )
)
ORDINALS = frozenset(
    str.split(
        """
    st nd rd th er re ère ere e è ème eme ième ieme ier ière ers res es nde nds ndes de ste te o a
    os as ª º ro ra do da vo va to ta mo ma no na gr t tes me mes mme mmes lle lles le les r rs ᵉ ий
    ый ой го я е й ая ое η ος ο ου ή bis ter quater quinquies sexies septies octies nonies novies
    decies undecies duodecies
    """
    )
)
ABBREVIATED = frozenset(
    str.split(
        """
    me mes mme lle lles gr grs gneur mo ma mos mas ier ière er ère re cie te vve rs sr dr ble ndo
    nta ts nt nto tos ll lls ie y el os as ro ra la pe no na vo va
    """
    )
)
SHORT_FORMS = {
    "n": "os",
    "N": "os",
    "f": "o",
    "r": "o",
    "v": "o",
    "D": "r",
    "M": "rela",
    "P": "re",
    "S": "ta",
    "F": "re",
    "C": "ia",
    "Nr": "o",
    "J": "rn",
}
SYMBOLS = {
    "TM": "™",
    "tm": "™",
    "SM": "℠",
    "™": "™",
    "®": "®",
    "℠": "℠",
    "©": "©",
    "(R)": "®",
    "(TM)": "™",
    "(tm)": "™",
    "(r)": "®",
    "(c)": "©",
    "(C)": "©",
}
