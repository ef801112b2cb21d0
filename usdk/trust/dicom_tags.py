"""The few data elements that a signature is made of, by tag, with their keywords for messages."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["KEYWORDS", "name_tag", "name_tags", "tag_text"]

FILE_META_INFORMATION_GROUP_LENGTH = 0x00020000
MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003
TRANSFER_SYNTAX_UID = 0x00020010
LENGTH_TO_END = 0x00080001
INSTANCE_CREATION_DATE = 0x00080012
INSTANCE_CREATION_TIME = 0x00080013
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
CODE_VALUE = 0x00080100
CODING_SCHEME_DESIGNATOR = 0x00080102
CODE_MEANING = 0x00080104
STUDY_INSTANCE_UID = 0x0020000D
SERIES_INSTANCE_UID = 0x0020000E
MAC_ID_NUMBER = 0x04000005
MAC_CALCULATION_TRANSFER_SYNTAX_UID = 0x04000010
MAC_ALGORITHM = 0x04000015
DATA_ELEMENTS_SIGNED = 0x04000020
DIGITAL_SIGNATURE_UID = 0x04000100
DIGITAL_SIGNATURE_DATE_TIME = 0x04000105
CERTIFICATE_TYPE = 0x04000110
CERTIFICATE_OF_SIGNER = 0x04000115
SIGNATURE = 0x04000120
CERTIFIED_TIMESTAMP_TYPE = 0x04000305
CERTIFIED_TIMESTAMP = 0x04000310
DIGITAL_SIGNATURE_PURPOSE_CODE_SEQUENCE = 0x04000401
MAC_PARAMETERS_SEQUENCE = 0x4FFE0001
PIXEL_DATA = 0x7FE00010
DIGITAL_SIGNATURES_SEQUENCE = 0xFFFAFFFA
NUMBER_OF_FRAMES = 0x00280008
SAMPLES_PER_PIXEL = 0x00280002
ROWS = 0x00280010
COLUMNS = 0x00280011
BITS_ALLOCATED = 0x00280100
PHOTOMETRIC_INTERPRETATION = 0x00280004
PLANAR_CONFIGURATION = 0x00280006
DERIVATION_DESCRIPTION = 0x00082111
EXTENDED_OFFSET_TABLE = 0x7FE00001
EXTENDED_OFFSET_TABLE_LENGTHS = 0x7FE00002
ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH = 0x7FE00003
DATA_SET_TRAILING_PADDING = 0xFFFCFFFC
ITEM = 0xFFFEE000
ITEM_DELIMITATION_ITEM = 0xFFFEE00D
SEQUENCE_DELIMITATION_ITEM = 0xFFFEE0DD

KEYWORDS = {
    MEDIA_STORAGE_SOP_CLASS_UID: "MediaStorageSOPClassUID",
    MEDIA_STORAGE_SOP_INSTANCE_UID: "MediaStorageSOPInstanceUID",
    TRANSFER_SYNTAX_UID: "TransferSyntaxUID",
    INSTANCE_CREATION_DATE: "InstanceCreationDate",
    INSTANCE_CREATION_TIME: "InstanceCreationTime",
    SOP_CLASS_UID: "SOPClassUID",
    SOP_INSTANCE_UID: "SOPInstanceUID",
    CODE_VALUE: "CodeValue",
    STUDY_INSTANCE_UID: "StudyInstanceUID",
    SERIES_INSTANCE_UID: "SeriesInstanceUID",
    MAC_ID_NUMBER: "MACIDNumber",
    MAC_CALCULATION_TRANSFER_SYNTAX_UID: "MACCalculationTransferSyntaxUID",
    MAC_ALGORITHM: "MACAlgorithm",
    DATA_ELEMENTS_SIGNED: "DataElementsSigned",
    DIGITAL_SIGNATURE_UID: "DigitalSignatureUID",
    DIGITAL_SIGNATURE_DATE_TIME: "DigitalSignatureDateTime",
    CERTIFIED_TIMESTAMP_TYPE: "CertifiedTimestampType",
    CERTIFIED_TIMESTAMP: "CertifiedTimestamp",
    DERIVATION_DESCRIPTION: "DerivationDescription",
    PHOTOMETRIC_INTERPRETATION: "PhotometricInterpretation",
    PLANAR_CONFIGURATION: "PlanarConfiguration",
    SAMPLES_PER_PIXEL: "SamplesPerPixel",
    ROWS: "Rows",
    COLUMNS: "Columns",
    BITS_ALLOCATED: "BitsAllocated",
    CERTIFICATE_TYPE: "CertificateType",
    CERTIFICATE_OF_SIGNER: "CertificateOfSigner",
    SIGNATURE: "Signature",
    DIGITAL_SIGNATURE_PURPOSE_CODE_SEQUENCE: "DigitalSignaturePurposeCodeSequence",
    MAC_PARAMETERS_SEQUENCE: "MACParametersSequence",
    PIXEL_DATA: "PixelData",
    DIGITAL_SIGNATURES_SEQUENCE: "DigitalSignaturesSequence",
}


def tag_text(tag: int) -> str:
    """Return ``gggg,eeee``."""
    return f"{tag >> 16:04x},{tag & 0xFFFF:04x}"


def name_tag(tag: int) -> str:
    """Return ``(gggg,eeee)``, with the keyword where this package knows it."""
    keyword = KEYWORDS.get(tag)
    return f"({tag_text(tag)}) {keyword}" if keyword else f"({tag_text(tag)})"


def name_tags(found: Sequence[int]) -> str:
    """Return the first eight of ``found`` by `name_tag`, and how many more there are."""
    shown = ", ".join(name_tag(tag) for tag in found[:8])
    return f"{shown} and {len(found) - 8} more" if len(found) > 8 else shown
