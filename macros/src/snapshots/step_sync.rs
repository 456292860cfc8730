pub fn reserve(order: &Order, left: u32, __arg2: Key) -> Result<u32, Refused> {
    static __SITE: ::candor::__private::Site = ::candor::__private::Site::new(
        &__SITE,
        ::candor::__private::Spec::step(
                "reserve",
                ::candor::__private::core::module_path!(),
                ::candor::__private::core::file!(),
                ::candor::__private::core::line!(),
            )
            .slow_nanos(250000000u64)
            .fields(
                &[
                    "message",
                    "event",
                    "step",
                    "duration_ms",
                    "outcome",
                    "step_id",
                    "parent_id",
                    "offset_ms",
                    "error",
                    "error_detail",
                    "ret",
                    "busy_ms",
                    "id",
                ],
            ),
    );
    let __step = ::candor::__private::StepGuard::enter_with(
        &__SITE,
        |__fields| {
            __fields
                .field(
                    "id",
                    const { ::candor::__private::is_sensitive("id") },
                    &order.id,
                );
        },
    );
    let __value = ::candor::__private::call3(
        order,
        left,
        __arg2,
        move |order, mut left, __arg2| -> Result<u32, Refused> {
            let _ = &order;
            left -= order.count()?;
            Ok(left)
        },
    );
    __step
        .read(
            &__value,
            |__value| {
                use ::candor::__private::probe::*;
                (&&&&&&&&::candor::__private::Returned(__value)).ending()
            },
        );
    __value
}
