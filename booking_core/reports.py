"""Figures, the audit log, exports and the state of the installation: the public names."""

from booking_core.insight.audit import audit_people, audit_subjects, find_changes
from booking_core.insight.demand import LATE_HOURS, Demand, demand, export_demand
from booking_core.insight.exports import (
    CSV,
    MAX_ROWS,
    XLSX,
    Export,
    check_report,
    export_bookings,
    export_changes,
    to_csv,
    to_xlsx,
)
from booking_core.insight.fairness import (
    ClassShare,
    Fairness,
    StudentHours,
    export_fairness,
    fairness,
)
from booking_core.insight.month_report import (
    MONTH_STYLE_DIGEST,
    MonthReport,
    month_report,
    month_report_html,
)
from booking_core.insight.qr_codes import qr_code
from booking_core.insight.sheets import (
    SHEET_CHANGES,
    SHEET_STYLE_DIGEST,
    Sheet,
    SheetChange,
    Writing,
    changes_since,
    day_sheet,
    sheet_html,
    week_sheet,
)
from booking_core.insight.usage import (
    PeriodUse,
    Usage,
    UsageLine,
    WeekUse,
    export_usage,
    usage,
    usage_total,
)
from booking_core.operations.finding import Finding
from booking_core.operations.health import health_findings

__all__ = [
    "CSV",
    "LATE_HOURS",
    "MAX_ROWS",
    "MONTH_STYLE_DIGEST",
    "SHEET_CHANGES",
    "SHEET_STYLE_DIGEST",
    "XLSX",
    "ClassShare",
    "Demand",
    "Export",
    "Fairness",
    "Finding",
    "MonthReport",
    "PeriodUse",
    "Sheet",
    "SheetChange",
    "StudentHours",
    "Usage",
    "UsageLine",
    "WeekUse",
    "Writing",
    "audit_people",
    "audit_subjects",
    "changes_since",
    "check_report",
    "day_sheet",
    "demand",
    "export_bookings",
    "export_changes",
    "export_demand",
    "export_fairness",
    "export_usage",
    "fairness",
    "find_changes",
    "health_findings",
    "month_report",
    "month_report_html",
    "qr_code",
    "sheet_html",
    "to_csv",
    "to_xlsx",
    "usage",
    "usage_total",
    "week_sheet",
]
