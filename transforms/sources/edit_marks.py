"""Edit links at the end of a wiki's headings: `History [edit]`."""

import re

_WORDS = (
    r"""edit(?:\ssource)?|bearbeiten|quelltext\sbearbeiten|modifier(?:\sle\s(?:code|wikicode))?
    |editar(?:\sc[oó]digo)?(?:\sfonte)?|editar\sa\sfonte
    |modifica(?:\swikitesto)?|bewerken|brontekst\sbewerken|править(?:\s(?:код|вики-текст))?"""
    r"""|редагувати(?:\sкод)?|редактиране|edytuj(?:\skod)?
    |redigera(?:\swikitext)?|rediger(?:\skilde)?|muokkaa(?:\swikitekstiä)?|editovat(?:\szdroj)?"""
    r"""|upraviť|szerkesztés|forrásszöveg\sszerkesztése
    |değiştir|kaynağı\sdeğiştir|sunting(?:\ssumber)?|sửa(?:\smã\snguồn)?|编辑|編輯|编辑源代码"""
    r"""|編輯原始碼|編集|ソースを編集|편집|원본\s편집|แก้ไข|تعديل|ویرایش|עריכה
    |modificare|modificare\ssursă|επεξεργασία|edita|uredi|keisti"""
)
_MARKS = re.compile(
    rf"\s*\\?\[\s*(?:{_WORDS})(?:\s?[|·/]\s?(?:{_WORDS}))*\s*\\?\]\s*$", re.VERBOSE | re.IGNORECASE
)


def without_edit_marks(heading: str) -> str:
    """Remove the edit links at the end of a heading."""
    if "]" not in heading[-12:]:
        return heading
    return _MARKS.sub("", heading) or heading
